"""What is known of each account: told by the service, or left on the broker. Never prints it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.broker import collect, visiting
from bridge.broker.probe import hears, probe_topic
from bridge.config.models import Config
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import decode_json

LOOK_S = 2.0
LEAVES = ("state", "auth", "availability")
NOT_RUNNING = "The service is not running; this is what it left behind."
NEVER = "The service is not running, and left nothing at this broker."


@dataclass(frozen=True, slots=True)
class Known:
    """What one line of the table shows; times as the service writes them."""

    sign_in: str = "unknown"
    availability: str | None = None
    activity: str | None = None
    fresh: bool = False
    changed_at: str | None = None
    polled_at: str | None = None


NOTHING = Known()


def told(people: Iterable[Mapping[str, Any]]) -> dict[str, Known]:
    """What the page's API tells of everybody."""
    return {
        person["account"]: _read(
            person.get("presence") or {},
            times=person,
            sign_in=person["sign_in"],
            fresh=bool(person["fresh"]),
        )
        for person in people
    }


async def stored(config: Config) -> tuple[dict[str, Known], str | None]:
    """What the broker has stored, and what is wrong with that in a sentence.

    Raises:
        PersonMustActError: It does not let us hear; the text says who must be let.
        PresenceBridgeError: It cannot be used.
    """
    topics = config.topics
    follow = [topics.account("+", leaf) for leaf in LEAVES]
    follow += [*(topics.table(table, "auth") for table in config.accounts), topics.bridge_state]
    async with visiting(config.mqtt) as session:
        for topic_filter in follow:
            await session.subscribe(topic_filter, commands=False)
        received = await collect(session, follow, lambda _: False, LOOK_S)
        payloads = {message.topic: message.payload for message in received}
        known = _left(config, topics, payloads)
        state = payloads.get(topics.bridge_state)
        if state == ONLINE.encode():
            if config.accounts and not known:
                raise deaf(config, topics.account("+", "state"))
            return known, None
        if state is None and not known:
            heard = await hears(session, probe_topic(topics))
            if heard is False:
                raise deaf(config, topics.bridge_state)
            return known, NEVER if heard else f"{NEVER} Or: {deaf(config, topics.bridge_state)}"
        return known, NOT_RUNNING


def deaf(config: Config, topic: str) -> PersonMustActError:
    """That the broker lets us in, and does not let us hear ``topic``."""
    user = config.mqtt.user
    return PersonMustActError(
        f"connected to broker {config.mqtt.address}, but heard nothing:",
        remedy=f"check that user {user} may read {topic} (the broker's access rules).",
    )


def _left(config: Config, topics: Topics, payloads: Mapping[str, bytes]) -> dict[str, Known]:
    before, after = topics.account("+", "").split("+")
    slugs = {
        topic.removeprefix(before).partition(after)[0]: None
        for topic in payloads
        if topic.startswith(before)
    }
    return {slug: _of(config, topics, slug, payloads) for slug in slugs}


def _of(config: Config, topics: Topics, slug: str, payloads: Mapping[str, bytes]) -> Known:
    table = next((name for name in config.accounts if slug.startswith(f"{name}_")), slug)
    of_the_table = payloads.get(topics.table(table, "auth"), b"{}")
    state = decode_json(payloads.get(topics.account(slug, "state"), b"{}"))
    return _read(
        state,
        times=state,
        sign_in=decode_json(payloads.get(topics.account(slug, "auth"), of_the_table)),
        fresh=payloads.get(topics.account(slug, "availability")) == ONLINE.encode(),
    )


def _read(
    presence: Mapping[str, Any],
    *,
    times: Mapping[str, Any],
    sign_in: Mapping[str, Any],
    fresh: bool,
) -> Known:
    return Known(
        str(sign_in.get("state", "unknown")),
        presence.get("availability"),
        presence.get("activity"),
        fresh,
        times.get("changed_at"),
        times.get("polled_at"),
    )
