"""What the broker lets our user write and read, tried out; what it stores stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from bridge.broker import Received, Session, SubscriptionRefusedError, collect
from bridge.broker.receive_check import PROOF_S
from bridge.broker.session import ConnectionFailedError
from bridge.config.tables.config import Config
from bridge.contract.topics import OFFLINE, Topics
from bridge.contract.wire import Message
from bridge.doctor.findings import Finding, bad
from bridge.doctor.remedies import rule_for
from bridge.setup.rules import of_the_bridge

STORED_S = 0.5
"""For what is stored: it is sent at once."""
CLEAR_S = 5.0
WRITE, READ = "write", "read"


async def rights(session: Session, config: Config, probe: str) -> list[Finding]:
    """A finding for each line that the broker's rules lack, and for a broker that keeps nothing.

    ``probe`` is a topic of nobody else, where something is stored for a moment. A broker may
    refuse it to a bridge that can do all its work, so what counts are the bridge's own topics:
    what is stored there is said again, and not stored anew.
    """
    topics, refused = config.topics, dict[str, str]()
    for topic in _read_only(topics):
        if not await _may_subscribe(session, topic):
            refused[topic] = READ
    samples = list(_samples(config))
    for topic in samples:
        if not await _may_subscribe(session, topic, stored=True):
            refused[topic] = READ
    heard = await collect(session, samples, lambda _: False, STORED_S)
    stored = {message.topic: message.payload for message in heard}
    if topics.bridge_config() in samples and topics.bridge_config() not in stored:
        samples.append(f"{topics.discovery_prefix}/device/{topics.instance}_probe/config")
        await _may_subscribe(session, samples[-1])
    said = _said(topics, samples, stored)
    try:
        unheard = await _unheard(session, [Message(probe, b"probe"), *said])
        if unheard.pop(probe, None) is None and not await _keeps(session, probe):
            return [NOT_KEPT]
    finally:
        await _clear(session, probe)
    return list(_findings(config, {**unheard, **refused}, tried=len(said)))


NOT_KEPT = bad(
    "broker: does not store what is retained: who starts later knows nothing of what is true now",
    "Let it keep retained messages, for this user too.",
)


def _read_only(topics: Topics) -> Iterator[str]:
    """What the bridge only reads."""
    yield f"{topics.base}/driver/+/state"
    yield topics.request("+")
    for line in of_the_bridge(topics):
        _, access, topic = line.split()
        if access == READ and not {"+", "#"} & set(topic):
            yield topic


def _samples(config: Config) -> Iterator[str]:
    """What the bridge writes and reads: a topic for each line of the rules."""
    topics = config.topics
    yield topics.bridge_state
    several = [s for s, own in config.accounts.items() if own.reads_several]
    for slug in [slug for slug in config.accounts if slug not in several][:1]:
        yield topics.account(slug, "availability")
    for slug in several[:1]:
        yield topics.table(slug, "auth")
    if config.homeassistant.enabled:
        yield topics.bridge_config()


def _said(topics: Topics, samples: Sequence[str], stored: Mapping[str, bytes]) -> list[Message]:
    """What can be said on each topic without being news; no bridge is online."""
    harmless = dict(stored)
    for topic in samples:
        if topic == topics.bridge_state or topic.endswith("/availability"):
            harmless.setdefault(topic, OFFLINE.encode())
        elif topic.endswith("_probe/config"):
            harmless.setdefault(topic, b"")
    known = [topic for topic in samples if topic in harmless]
    return [Message(topic, harmless[topic], retain=False) for topic in known]


async def _may_subscribe(session: Session, topic: str, *, stored: bool = False) -> bool:
    try:
        await session.subscribe(topic, commands=not stored)
    except SubscriptionRefusedError:
        return False
    return True


async def _unheard(session: Session, messages: Sequence[Message]) -> dict[str, str]:
    """The topics on which something was sent and did not come back, and what is not allowed."""
    probe = messages[0].topic
    refused = {} if await _may_subscribe(session, probe) else {probe: READ}
    refused |= {each.message.topic: WRITE for each in await session.send(messages)}
    waiting = {message.topic for message in messages} - refused.keys()

    def is_last(heard: Received) -> bool:
        if not heard.retain:
            waiting.discard(heard.topic)
        return not waiting

    if waiting:
        await collect(session, list(waiting), is_last, PROOF_S)
    return {**{m.topic: READ for m in messages if m.topic in waiting}, **refused}


async def _keeps(session: Session, probe: str) -> bool:
    """Whether the broker has stored ``probe``: it then sends it to each new subscription."""
    await session.subscribe(probe, commands=False)
    return bool(await collect(session, [probe], lambda heard: heard.retain, PROOF_S))


async def _clear(session: Session, probe: str) -> None:
    """Also when we are interrupted; where the connection ended, our will does it."""
    with suppress(TimeoutError, ConnectionFailedError):
        async with asyncio.timeout(CLEAR_S):
            await session.send([Message(probe, b"")])


def _findings(config: Config, missing: Mapping[str, str], *, tried: int) -> Iterator[Finding]:
    user, topics = config.mqtt.user, config.topics
    if tried and sum(verb == READ for verb in missing.values()) >= tried == len(missing):
        needed = dict.fromkeys(rule_for(topics, topic) for topic in missing)
        may = f"check that user {user} may read {topics.base}/#"
        yield bad(
            f"broker: connected, but receives nothing: {may}",
            f"Its rules need, below user {user}: {'; '.join(needed)} (presence-bridge init writes "
            "them); then restart the broker.",
        )
        return
    for topic, verb in missing.items():
        yield bad(
            f"broker: user {user} may not {verb} {topic}",
            f"Add to the broker's rules, below user {user}: {rule_for(topics, topic)} "
            "(presence-bridge init writes it); then restart the broker.",
        )
