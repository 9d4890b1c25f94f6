"""What can be said of an error: a row of the table, and who acts upon it. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from bridge.contract.account import Mend, Way

YOU, ADMIN, OWNER = "you", "your admin", "the app's owner"
BROWSER = "presence-bridge login NAME --browser"
"""A command in a remedy, for whichever account it is."""


class Ending(StrEnum):
    """What follows from an error."""

    PASSES = "passes"
    """It goes away by itself."""
    SIGN_IN = "sign in"
    """The same person signs in again."""
    ACT = "act"
    """Somebody changes something first."""


class Remedy(NamedTuple):
    """One row: the AADSTS numbers it covers and what to tell."""

    codes: tuple[int, ...]
    text: str
    remedy: str
    who: str
    ending: Ending
    mend: Mend | None = None
    refuses: tuple[Way, ...] = ()
    """The ways to sign in that it is about: the other one may do."""


def for_account(remedy: str, slug: str) -> str:
    """``remedy`` with the name of the account that it is told for in its command."""
    return remedy.replace(BROWSER, BROWSER.replace("NAME", slug))
