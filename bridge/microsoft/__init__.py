"""All that speaks to Microsoft: sign-in, tokens, Graph. Never speaks MQTT."""

from bridge.microsoft.account import Microsoft, MicrosoftAccount

__all__ = ["Microsoft", "MicrosoftAccount"]
