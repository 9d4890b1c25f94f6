"""When a read has failed, what that says to people, and how long Microsoft wants us to wait."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from bridge.contract.errors import SourceUnavailableError, TryAgainError
from bridge.retry import RETRY_AFTER_MOST_S

DEADLINE_S, DEADLINE_EACH_S = 30.0, 0.001
"""A read may take so long, and so much more for each account."""
UNKNOWN_S = 300.0
"""Of a group that is read for the first time: its members come first, page by page."""


def deadline_s(accounts: int) -> float:
    """How long a read of so many accounts may take."""
    return DEADLINE_S + accounts * DEADLINE_EACH_S if accounts else UNKNOWN_S


def asked_wait(error: Exception, *, fastest_s: float) -> timedelta | None:
    """How long Microsoft asked us to wait, where it did: within our own bounds."""
    asked_s = error.retry_after_s if isinstance(error, TryAgainError) else None
    if asked_s is None:
        return None
    return timedelta(seconds=min(RETRY_AFTER_MOST_S, max(asked_s, fastest_s)))


def reached(error: Exception) -> bool:
    """Whether Microsoft answered at all."""
    if isinstance(error, SourceUnavailableError):
        return error.reached
    return not isinstance(error, TimeoutError)


def text(error: Exception, *, until: datetime | None = None, zone: tzinfo | None = None) -> str:
    """What is wrong, and ``until`` when, by the clock of ``zone``."""
    what = str(error) or "Microsoft did not answer in time"
    return f"{what}, until {until.astimezone(zone):%H:%M:%S}" if until else what
