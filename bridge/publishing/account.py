"""What an account's facts mean on the broker: the fewest messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from operator import attrgetter

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import Availability, Presence
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import Message, encode_account_state, encode_json

BEAT_S = 120.0
"""An unchanged state is sent again this often, so that its times and its expiry stay true."""
EVENT_EXPIRY_S = 60
STATE_EXPIRY_S = 600
_TOLD = attrgetter(*(f.name for f in fields(Presence) if f.name != "sequence_number"))


@dataclass(frozen=True, slots=True)
class Published:
    """What was last sent for one account."""

    facts: AccountFacts
    at_s: float
    """Monotonic time of the last state message."""


def everything(topics: Topics, facts: AccountFacts, now: datetime) -> Iterator[Message]:
    """All retained messages of an account, availability last."""
    yield from _state(topics, facts)
    yield _auth(topics, facts, now)
    yield _availability(topics, facts)


def changes(
    topics: Topics, before: Published | None, facts: AccountFacts, now: datetime, now_s: float
) -> tuple[list[Message], Published]:
    """The messages that ``facts`` need after ``before``, and what is then published."""
    if before is None:
        return list(everything(topics, facts, now)), Published(facts, now_s)
    old, sent_s = before.facts, before.at_s
    messages: list[Message] = []
    # good news ends with the sign-in, bad news begins with it: no lamp sees a state in between
    beat = facts.fresh and now_s - sent_s >= BEAT_S
    if beat or _differs(old.presence, facts.presence) or (facts.fresh and not old.fresh):
        messages += _state(topics, facts)
        sent_s = now_s
    auth = [_auth(topics, facts, now)] if facts.sign_in != old.sign_in else []
    availability = [_availability(topics, facts)] if facts.fresh != old.fresh else []
    messages += availability + auth if facts.fresh else auth + availability
    if event := _event(topics, old, facts, now):
        messages.append(event)
    return messages, Published(facts, sent_s)


def goodbye(topics: Topics, account: str) -> Message:
    """What a clean stop leaves for an account."""
    return Message(topics.account(account, "availability"), OFFLINE.encode())


def _differs(old: Presence | None, new: Presence | None) -> bool:
    """Whether more than Microsoft's version stamp differs."""
    if old is new:
        return False
    if old is None or new is None:
        return True
    return _TOLD(old) != _TOLD(new)


def _state(topics: Topics, facts: AccountFacts) -> list[Message]:
    presence = facts.presence or Presence()
    attributes = {
        "raw_availability": presence.raw_availability,
        "raw_activity": presence.raw_activity,
        "status_message": presence.status_message,
        "out_of_office_message": presence.out_of_office_message,
        "work_location": presence.work_location,
        "sequence_number": presence.sequence_number,
    }
    account = facts.account
    return [
        Message(
            topics.account(account, "state"), encode_account_state(facts), expiry_s=STATE_EXPIRY_S
        ),
        Message(
            topics.account(account, "attributes"), encode_json(attributes), expiry_s=STATE_EXPIRY_S
        ),
    ]


def _availability(topics: Topics, facts: AccountFacts) -> Message:
    payload = ONLINE if facts.fresh else OFFLINE
    return Message(topics.account(facts.account, "availability"), payload.encode())


def _auth(topics: Topics, facts: AccountFacts, now: datetime) -> Message:
    sign_in: SignIn = facts.sign_in
    expiry = None
    if sign_in.state is SignInState.CODE_PENDING and sign_in.expires_at:
        expiry = max(1, int((sign_in.expires_at - now).total_seconds()))
    return Message(
        topics.account(facts.account, "auth"), encode_json(asdict(sign_in)), expiry_s=expiry
    )


def _event(topics: Topics, old: AccountFacts, new: AccountFacts, now: datetime) -> Message | None:
    kind = _event_type(old.presence, new.presence)
    if kind is None or old.presence is None or new.presence is None:
        return None
    payload = {
        "event_type": kind,
        "from": _told(old.presence),
        "to": _told(new.presence),
        "at": new.changed_at or now,
    }
    return Message(
        topics.account(new.account, "event"),
        encode_json(payload),
        retain=False,
        expiry_s=EVENT_EXPIRY_S,
    )


def _event_type(old: Presence | None, new: Presence | None) -> str | None:
    if old is None or new is None or _told(old) == _told(new):
        return None
    if bool(old.in_call) != bool(new.in_call):
        return "call_started" if new.in_call else "call_ended"
    was, now = (p.availability is Availability.OFFLINE for p in (old, new))
    if was != now:
        return "offline" if now else "online"
    return "changed"


def _told(presence: Presence) -> str:
    return f"{presence.availability or 'unknown'}/{presence.activity or 'unknown'}"
