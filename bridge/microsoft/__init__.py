"""All that speaks to Microsoft: sign-in, tokens, Graph. Never speaks MQTT."""

from bridge.microsoft.account import Microsoft, MicrosoftAccount
from bridge.microsoft.writing import Writer

__all__ = ["Microsoft", "MicrosoftAccount", "Writer"]
