"""Says what happened between two presences: a call that began or ended, online, offline."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from bridge.contract.account import AccountFacts
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.topics import Topics
from bridge.contract.wire import ALIKE, Message, encode_json, moment_text

EVENT_EXPIRY_S = 60


def presence_event(
    topics: Topics, old: AccountFacts, new: AccountFacts, now: datetime
) -> Message | None:
    """What happened between two facts, not retained; nothing where that is not known."""
    was, does = old.presence, new.presence
    if was is None or does is None or was is does:
        return None
    payload = _encoded_event(
        was.availability,
        was.activity,
        does.availability,
        does.activity,
        moment_text(new.changed_at or now),
    )
    if payload is None:
        return None
    topic = topics.account(new.account, "event")
    return Message(topic, payload, retain=False, expiry_s=EVENT_EXPIRY_S)


@lru_cache(maxsize=ALIKE)
def _encoded_event(
    old_availability: Availability | None,
    old_activity: Activity | None,
    availability: Availability | None,
    activity: Activity | None,
    at: str,
) -> bytes | None:
    old, new = Presence(old_availability, old_activity), Presence(availability, activity)
    kind = _event_type(old, new)
    if kind is None:
        return None
    return encode_json({"event_type": kind, "from": _words(old), "to": _words(new), "at": at})


def _event_type(old: Presence, new: Presence) -> str | None:
    """What happened between two presences; nothing where one of them is not known."""
    known = None not in (old.availability, old.activity, new.availability, new.activity)
    if not known or old == new:
        return None
    if None not in (old.in_call, new.in_call) and old.in_call != new.in_call:
        return "call_started" if new.in_call else "call_ended"
    was, now = (p.availability is Availability.OFFLINE for p in (old, new))
    if was != now and Availability.OTHER not in (old.availability, new.availability):
        return "offline" if now else "online"
    return "changed"


def _words(presence: Presence) -> str:
    return f"{presence.availability or 'unknown'}/{presence.activity or 'unknown'}"
