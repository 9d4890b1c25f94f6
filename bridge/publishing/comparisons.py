"""What is new in somebody's facts. Pure."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from bridge.contract.account import AccountFacts
from bridge.contract.presence import Presence

_PUBLISHED = attrgetter(*(f.name for f in fields(Presence) if f.name != "sequence_number"))
_BUT_TIMES = attrgetter(
    *(f.name for f in fields(AccountFacts) if f.name not in {"polled_at", "valid_until"})
)


def state_is_new(old: AccountFacts, new: AccountFacts) -> bool:
    """Whether the state has to be sent for more than its times."""
    if new.fresh and not old.fresh:
        return True
    if old.presence is None or new.presence is None:
        return old.presence is not new.presence
    return old.presence is not new.presence and (
        _PUBLISHED(old.presence) != _PUBLISHED(new.presence)
    )


def is_change(old: AccountFacts | None, new: AccountFacts) -> bool:
    """Whether somebody of whom something was said before does something else now."""
    if old is None or old.presence is None or new.presence is None:
        return False
    return _PUBLISHED(old.presence) != _PUBLISHED(new.presence)


def only_times_differ(old: AccountFacts | None, new: AccountFacts) -> bool:
    """Whether all else of somebody is as it was."""
    return old is not None and _BUT_TIMES(old) == _BUT_TIMES(new)
