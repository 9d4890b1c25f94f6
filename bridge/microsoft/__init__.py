"""All that speaks to Microsoft: sign-in, tokens, Graph. Never speaks MQTT."""

from bridge.microsoft.account import Microsoft, MicrosoftAccount
from bridge.microsoft.budget import REQUESTS_AN_HOUR
from bridge.microsoft.writing import Writer

__all__ = ["REQUESTS_AN_HOUR", "Microsoft", "MicrosoftAccount", "Writer"]
