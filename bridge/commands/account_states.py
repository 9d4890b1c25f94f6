"""What is known of each account: from the running service, or from what the broker has stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.broker import Received, Session, SubscriptionRefusedError, collect, visiting
from bridge.broker.receive_check import PROOF_S, probe_topic
from bridge.config.tables.config import Config
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import ONLINE
from bridge.contract.wire import Message, decode_json

LEAVES = ("state", "auth", "availability")
Fields = Mapping[str, Any]
UNMARKED_S = 2.0
"""So long is waited where the broker takes no mark."""
LATE_S = 0.5
"""Some brokers send what is stored on the last topic behind the mark."""
ROUNDS = 4
"""So often ``PROOF_S`` begins anew while there is still more."""
NOT_RUNNING = "The service is not running; this is what it left behind."
NOTHING_LEFT = "The service is not running, and left nothing at this broker."


@dataclass(frozen=True, slots=True)
class Summary:
    """What one line of the table shows; times as the service writes them."""

    sign_in: str = "unknown"
    availability: str | None = None
    activity: str | None = None
    fresh: bool = False
    changed_at: str | None = None
    polled_at: str | None = None
    signed_in_as: str | None = None
    is_shared: bool = False
    """The Microsoft account is signed in for other accounts, too."""


def from_service(people: Iterable[Fields]) -> dict[str, Summary]:
    """What the page's API says of everybody."""
    return {
        person["account"]: _summary(
            person.get("presence") or {}, person, person["sign_in"], fresh=bool(person["fresh"])
        )
        for person in people
    }


async def from_broker(config: Config) -> tuple[dict[str, Summary], str | None]:
    """What the broker has stored, and what is wrong with that in a sentence.

    Raises:
        PersonMustActError: It delivers nothing to us; the text says who must be let.
        PresenceBridgeError: It cannot be used.
    """
    topics = config.topics
    filters = [topics.account("+", leaf) for leaf in LEAVES]
    for table in config.accounts:
        filters += [topics.table(table, "auth"), topics.table(table, "fresh")]
    filters.append(topics.bridge_state)
    async with visiting(config.mqtt) as session:
        messages, came_back = await stored(session, filters, probe_topic(topics))
    before, after = topics.account("+", "").split("+")
    accounts = [topic.removeprefix(before) for topic in messages if topic.startswith(before)]
    slugs = dict.fromkeys(topic.partition(after)[0] for topic in accounts)
    found = {slug: _stored_of(slug, config, messages) for slug in slugs}
    state = messages.get(topics.bridge_state)
    if state == ONLINE.encode():
        if config.accounts and not found:
            raise _nothing_received(config, topics.account("+", "state"))
        return found, None
    if state is not None or found:
        return found, NOT_RUNNING
    deaf = _nothing_received(config, topics.bridge_state)
    if came_back is False:
        raise deaf
    return {}, NOTHING_LEFT if came_back else f"{NOTHING_LEFT} Or: {deaf}"


def _nothing_received(config: Config, topic: str) -> PersonMustActError:
    return PersonMustActError(
        f"connected to broker {config.mqtt.address}, but received nothing:",
        remedy=f"check that user {config.mqtt.user} may read {topic} (the broker's access rules).",
    )


def _stored_of(slug: str, config: Config, messages: Mapping[str, bytes]) -> Summary:
    topics = config.topics
    table = next((name for name in config.accounts if slug.startswith(f"{name}_")), slug)
    auth_of_table = messages.get(topics.table(table, "auth"), b"{}")
    state = decode_json(messages.get(topics.account(slug, "state"), b"{}"))
    sign_in = decode_json(messages.get(topics.account(slug, "auth"), auth_of_table))
    fresh, times = messages.get(topics.account(slug, "availability")) == ONLINE.encode(), state
    if fresh and state.get("table"):
        of_all = decode_json(messages.get(topics.table(table, "fresh"), b"{}"))
        fresh = of_all.get("state") == ONLINE
        times = {**state, "polled_at": of_all.get("polled_at") or state.get("polled_at")}
    return _summary(state, times, sign_in, fresh=fresh)


def _summary(presence: Fields, times: Fields, sign_in: Fields, *, fresh: bool) -> Summary:
    return Summary(
        str(sign_in.get("state", "unknown")),
        presence.get("availability"),
        presence.get("activity"),
        fresh,
        times.get("changed_at"),
        times.get("polled_at"),
        sign_in.get("signed_in_as"),
        bool(sign_in.get("also_on")),
    )


async def stored(
    session: Session, filters: Sequence[str], mark: str
) -> tuple[Mapping[str, bytes], bool | None]:
    """What is stored on ``filters`` by topic, and whether what we send on ``mark`` comes back.

    The last of ``filters`` is one topic, on which something is stored wherever a bridge has been.
    The second is ``None`` where the broker takes no mark of us.

    Raises:
        SubscriptionRefusedError: It does not let us read one of ``filters``.
    """
    for topic_filter in filters:
        await session.subscribe(topic_filter, commands=False)
    if not await _marked(session, mark):
        return _by_topic(await collect(session, filters, lambda _: False, UNMARKED_S)), None
    by_topic: dict[str, bytes] = {}
    came_back = False
    for _ in range(ROUNDS):
        more = await collect(session, [*filters, mark], lambda each: each.topic == mark, PROOF_S)
        by_topic |= _by_topic(more)
        came_back = mark in by_topic
        if came_back or not more:
            break
    last = filters[-1]
    if came_back and last not in by_topic:
        late = await collect(session, filters, lambda each: each.topic == last, LATE_S)
        by_topic |= _by_topic(late)
    by_topic.pop(mark, None)
    return by_topic, came_back


async def _marked(session: Session, mark: str) -> bool:
    """Send the mark, if the broker takes one."""
    try:
        await session.subscribe(mark, commands=False)
    except SubscriptionRefusedError:
        return False
    return not await session.send([Message(mark, b"mark", retain=False)])


def _by_topic(received: Sequence[Received]) -> dict[str, bytes]:
    return {message.topic: message.payload for message in received}
