"""What is another in somebody's presence, and since when. Pure."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

from bridge.contract.account import AccountFacts
from bridge.contract.presence import Presence
from bridge.contract.status import status_of

_VISIBLE = attrgetter(
    *("availability", "activity", "raw_availability", "raw_activity", "out_of_office"),
    *("status_message", "work_location", "work_location_source"),
)
"""What of a presence people see."""


def is_seen(before: Presence | None, presence: Presence) -> bool:
    """Whether people see another ``presence`` than ``before``."""
    return before is None or _VISIBLE(presence) != _VISIBLE(before)


def since_when(before: AccountFacts, presence: Presence, now: datetime) -> datetime | None:
    """Since when a person does what ``presence`` says, read without a gap after ``before``."""
    if before.presence is None:
        return None
    return before.since if status_of(before.presence) is status_of(presence) else now
