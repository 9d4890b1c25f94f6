"""All that speaks to Microsoft: sign-in, tokens, Graph."""

from bridge.microsoft.account import MicrosoftAccount
from bridge.microsoft.accounts import Microsoft
from bridge.microsoft.writing import Writer

__all__ = ["Microsoft", "MicrosoftAccount", "Writer"]
