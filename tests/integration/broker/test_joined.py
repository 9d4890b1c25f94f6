"""Two Mosquittos joined by ``topic # both 1``, both in ``hosts``: the used one is killed."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.broker import visit
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import Subscriber, subscriber
from tests.integration.broker.conftest import CONFIG, DEADLINE_S, FACT, STATE, Link, settings

JOINT = """allow_anonymous true
connection other
address 127.0.0.1:{port}
topic # both 1
restart_timeout 1
"""
PERSISTENT = "persistence true\npersistence_location {folder}/\n"
ONLINE = Message(STATE, b"online")
OLDER = Message(FACT.topic, b'{"busy":"ON"}')
NEWER = Message(FACT.topic, b'{"busy":null}')


@asynccontextmanager
async def joined(folder: Path, more: str = "") -> AsyncIterator[tuple[Mosquitto, Mosquitto]]:
    """Two brokers; the joint is a connection of the first, and stands."""
    (folder / "first").mkdir()
    (folder / "second").mkdir()
    async with running(folder / "second") as second:
        joint = JOINT.format(port=second.port) + more.format(folder=folder / "first")
        async with running(folder / "first", extra=joint) as first:
            await put(first, FACT)
            await until_stored(second, FACT)
            await put(second, Message(FACT.topic, b""))
            await until_stored(first)
            yield first, second


def both(first: Mosquitto, second: Mosquitto) -> MqttSettings:
    hosts = [f"127.0.0.1:{each.port}" for each in (first, second)]
    return MqttSettings.model_validate({"hosts": hosts})


async def put(broker: Mosquitto, *messages: Message) -> None:
    """As somebody else says it there."""
    await visit(settings(broker.port, base_topic="other"), publish=messages)


async def stored(broker: Mosquitto) -> dict[str, bytes]:
    """What somebody who comes now is given there."""
    end = Message(f"end/{broker.port}", b"", retain=False)
    heard = await visit(
        settings(broker.port, base_topic="look"),
        follow=["presence/#", "homeassistant/#", end.topic],
        until=lambda received: received.topic == end.topic,
        publish=[end],
    )
    return {received.topic: received.payload for received in heard if received.retain}


async def until_stored(broker: Mosquitto, *messages: Message) -> None:
    """Wait until exactly ``messages`` are stored there."""
    wanted, got = {each.topic: each.payload for each in messages}, None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while got != wanted:
                got = await stored(broker)
    except TimeoutError:
        raise AssertionError(f"{wanted} were expected, and stored are {got}") from None


async def until_all_heard(there: Subscriber, broker: Mosquitto) -> None:
    """Wait until it has what its ``broker`` had for it before: what is stored may be on its way."""
    since = len(there.heard)
    await put(broker, Message("all/heard", b"", retain=False))
    await there.until("all/heard", since=since)


async def moved(link: Link) -> None:
    """Wait until it is at the next broker."""
    before = link.broker.connects
    await link.until_lost()
    await link.try_again()
    await link.until_connected(before + 1)


async def test_what_is_said_at_one_is_stored_at_both_and_heard_once(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with joined(tmp_path) as (first, second), subscriber(second.port) as there:
        async with Link(both(first, second), clock) as link:
            await link.until_connected()
            for broker in (first, second):
                await until_stored(broker, CONFIG, FACT, ONLINE)
            link.broker.publish(NEWER)
            for broker in (first, second):
                await until_stored(broker, CONFIG, NEWER, ONLINE)
        await until_all_heard(there, second)
        heard = Counter((each.topic, each.payload) for each in there.heard if each.payload)
        assert {heard[each.topic, each.payload] for each in (CONFIG, FACT, NEWER)} == {1}


async def test_when_the_used_one_is_killed_nobody_at_the_other_receives_offline(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with (
        joined(tmp_path) as (first, second),
        Link(both(first, second), clock) as link,
        subscriber(second.port) as there,
    ):
        await link.until_connected()
        await until_stored(second, CONFIG, FACT, ONLINE)
        first.stop(signal.SIGKILL)  # and its will with it
        link.facts[1] = NEWER
        await moved(link)
        assert link.broker.address == f"127.0.0.1:{second.port}"
        await until_stored(second, CONFIG, NEWER, ONLINE)
        await until_all_heard(there, second)
        assert {each.payload for each in there.heard if each.topic == STATE} == {b"online"}

        await first.start()
        await until_stored(first, CONFIG, NEWER, ONLINE)
        assert link.broker.connects == 2, "it stays where it is"
        link.drop()
        await link.until_lost()
        await there.until_text(STATE, "offline")
        await until_stored(first, CONFIG, NEWER, Message(STATE, b"offline"))


async def test_an_old_offline_that_comes_back_with_the_other_one_is_answered(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with joined(tmp_path, PERSISTENT) as (first, second):
        await put(first, OLDER, Message(STATE, b"offline"))
        first.stop()
        async with Link(both(first, second), clock) as link, subscriber(second.port) as there:
            await link.until_connected()  # to the second at once
            await until_stored(second, CONFIG, FACT, ONLINE)
            since = len(there.heard)
            await first.start()
            await there.until_text(STATE, "offline", since=since)
            for broker in (first, second):
                async with asyncio.timeout(DEADLINE_S):
                    while (await stored(broker)).get(STATE) != b"online":
                        pass
            assert link.broker.connects == 1
