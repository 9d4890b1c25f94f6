"""Turns the facts of an account into messages: all of them, or the fewest that news needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache

from bridge.contract.account import NEEDED, AccountFacts, SignIn
from bridge.contract.status import TEXTS, Status, shown_status
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import Message, encode_account_state, encode_json
from bridge.publishing.comparisons import state_is_new
from bridge.publishing.presence_event import EVENT_EXPIRY_S, presence_event

STATE_EXPIRY_S = 600
SIGN_INS = 64
"""Those whose payload is remembered: thousands of people have the same one."""


def everything(
    topics: Topics,
    facts: AccountFacts,
    now: datetime,
    *,
    brief: bool = False,
    table: str | None = None,
) -> Iterator[Message]:
    """All retained messages of an account, in the order of ``changes``."""
    yield from state_and_attributes(topics, facts, table=table)
    yield from unexpiring(topics, facts, now, brief=brief)


def unexpiring(
    topics: Topics, facts: AccountFacts, now: datetime, *, brief: bool = False
) -> Iterator[Message]:
    """What stays true without a state: its status, whether it is current, and the sign-in.

    ``brief`` leaves the status in words out.
    """
    if not brief:
        yield status_message(topics, facts.account, *shown_status(facts))
    good = availability_of(topics, facts), _auth(topics, facts, now), _sign_in(topics, facts)
    yield from good if facts.fresh else reversed(good)


def changes(
    topics: Topics,
    old: AccountFacts | None,
    facts: AccountFacts,
    now: datetime,
    *,
    brief: bool = False,
    table: str | None = None,
) -> list[Message]:
    """The messages that ``facts`` need after ``old``; a large ``table`` speaks of their times.

    Good news ends with the sign-in, bad news begins with it: no lamp sees a state in between.
    """
    if old is None:
        return list(everything(topics, facts, now, brief=brief, table=table))
    is_new = state_is_new(old, facts)
    messages = state_and_attributes(topics, facts, table=table) if is_new else []
    if not brief and (status := shown_status(facts)) != shown_status(old):
        messages.append(status_message(topics, facts.account, *status))
    rest: list[Message] = []
    if facts.fresh != old.fresh:
        rest.append(availability_of(topics, facts))
    if facts.sign_in is not old.sign_in and facts.sign_in != old.sign_in:
        rest.append(_auth(topics, facts, now))
        if facts.sign_in.word != old.sign_in.word:
            rest.append(_sign_in(topics, facts))
    messages += rest if facts.fresh else reversed(rest)
    if event := presence_event(topics, old, facts, now):
        messages.append(event)
    return messages


def state_and_attributes(
    topics: Topics, facts: AccountFacts, *, table: str | None = None
) -> list[Message]:
    """What expires unless it is sent again; nothing before the first good poll.

    Where a large ``table`` says until when it is current, it is not sent again, and stays.
    """
    if (presence := facts.presence) is None:
        return []  # what was stored before is still the last that is known
    account, expiry_s = facts.account, None if table else STATE_EXPIRY_S
    attributes = {
        "raw_availability": presence.raw_availability,
        "raw_activity": presence.raw_activity,
        "status_message": presence.status_message,
        "status_message_until": presence.status_message_until,
        "out_of_office_message": presence.out_of_office_message,
        "work_location": presence.raw_work_location,
        "place_id": presence.place_id,
        "sequence_number": presence.sequence_number,
        "table": table,
    }
    state = encode_account_state(facts, table=table)
    return [
        Message(topics.account(account, "state"), state, expiry_s=expiry_s),
        Message(topics.account(account, "attributes"), encode_json(attributes), expiry_s=expiry_s),
    ]


def availability_of(topics: Topics, facts: AccountFacts) -> Message:
    """Whether the state may be shown as current."""
    payload = ONLINE if facts.fresh else OFFLINE
    return Message(topics.account(facts.account, "availability"), payload.encode())


def status_message(
    topics: Topics, account: str, status: Status, since: datetime | None = None
) -> Message:
    """What a person does, in words; they are shown also where no presence may be."""
    payload = {"status": status, "text": TEXTS[status], "since": since}
    return Message(topics.account(account, "status"), encode_json(payload))


def sign_in_event(topic: str, old: SignIn | None, sign_in: SignIn, now: datetime) -> Message | None:
    """That a sign-in is needed from ``now`` on; nothing while it was before, or is not."""
    if sign_in.word != NEEDED or (old is not None and old.word == NEEDED):
        return None
    payload = {"event_type": "sign_in_needed", "at": now}
    return Message(topic, encode_json(payload), retain=False, expiry_s=EVENT_EXPIRY_S)


def auth(topic: str, sign_in: SignIn, now: datetime) -> Message:
    """The sign-in of an account or a table, with a code while one waits."""
    left_s = int((sign_in.expires_at - now).total_seconds()) if sign_in.expires_at else 0
    # a code that waits and seems to be over: the clock was set, and the broker must not forget it
    return Message(topic, _encoded(sign_in), expiry_s=left_s if left_s > 0 else None)


@lru_cache(maxsize=SIGN_INS)
def _encoded(sign_in: SignIn) -> bytes:
    return encode_json(asdict(sign_in))


def without_code(sign_in: SignIn) -> SignIn:
    """What each of many people may show of the one sign-in that reads them.

    The code stands on the topic of their table; here it would be sent for each of them.
    The same object where nothing is to be left out.
    """
    shown = replace(
        sign_in,
        user_code=None,
        verification_uri=None,
        expires_at=None,
        message=None if sign_in.waits else sign_in.message,  # it says where to enter which code
        correlation_id=None,
        newcomer=None,
        letter=None,
    )
    return sign_in if shown == sign_in else shown


def _auth(topics: Topics, facts: AccountFacts, now: datetime) -> Message:
    return auth(topics.account(facts.account, "auth"), facts.sign_in, now)


def _sign_in(topics: Topics, facts: AccountFacts) -> Message:
    return Message(topics.account(facts.account, "sign_in"), facts.sign_in.word.encode())
