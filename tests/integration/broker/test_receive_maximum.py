"""How much may be unacknowledged at a broker that says so, and throws out who does not listen."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from bridge.broker import Received
from bridge.broker.window import BYTES_MOST, MOST, WINDOW
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import running
from tests.fakes.strict_broker import StrictBroker, strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE, V5, V311, Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import FACT, STATE, Link, settings, until

LATE_S = 0.03
MANY = [Message(f"presence/account/{number}/state", b"1") for number in range(90)]


def told(broker: StrictBroker, payload: bytes) -> bool:
    return any(m.topic == STATE and m.payload == payload for m in broker.messages)


@pytest.mark.parametrize("most", [1, 2, 10, 19, 21])
async def test_never_more_is_unacknowledged_from_the_first_moment_to_the_goodbye(
    most: int, clock: ManualClock
) -> None:
    async with strict() as broker:
        broker.announces = Announced(receive_maximum=most)
        broker.acknowledges_after_s = 0.003
        link = Link(settings(broker.port), clock)
        link.facts, link.crowd, link.farewell = MANY, MANY[:50], MANY[:30]
        async with link:
            await link.until_connected()
            await link.until(lambda: not link.broker.waiting)
        await until(lambda: told(broker, b"offline"))
        assert broker.breaches == []
        assert min(most, WINDOW) <= broker.most_unacknowledged <= most
        assert broker.connections == 1


@pytest.mark.parametrize(("level", "most"), [(V5, MOST), (V311, WINDOW)])
async def test_a_crowd_goes_in_large_rounds_where_the_broker_can_say_what_it_takes(
    clock: ManualClock, level: int, most: int
) -> None:
    async with strict() as broker:
        broker.levels = {level}
        link = Link(settings(broker.port), clock)
        link.crowd = crowd = [Message(f"presence/account/{n}/state", b"1") for n in range(3 * MOST)]
        broker.acknowledges_after_s = LATE_S
        async with link:
            await link.until_connected()
            await until(lambda: len(broker.messages) >= len(crowd))
        assert broker.most_unacknowledged == most


async def test_large_messages_go_in_small_rounds(clock: ManualClock) -> None:
    async with strict() as broker:
        link = Link(settings(broker.port), clock)
        payload = bytes(BYTES_MOST // 50)
        link.crowd = crowd = [Message(f"presence/account/{n}/state", payload) for n in range(400)]
        broker.acknowledges_after_s = LATE_S
        async with link:
            await link.until_connected()
            await until(lambda: len(broker.messages) >= len(crowd))
        assert broker.most_unacknowledged <= 51


@pytest.mark.parametrize("most", [1, 10])
async def test_a_goodbye_counts_what_of_a_started_chunk_is_still_unacknowledged(
    most: int, clock: ManualClock
) -> None:
    async with strict() as broker:
        broker.announces = Announced(receive_maximum=most)
        broker.acknowledges_after_s = LATE_S
        link = Link(settings(broker.port), clock)
        link.facts, link.farewell = MANY[:5], MANY[:30]
        async with link:
            await until(partial(broker.has, PUBLISH, times=1))
        await until(lambda: told(broker, b"offline"))
        assert broker.breaches == []
        assert broker.connections == 1


async def test_subscriptions_made_meanwhile_do_not_count_and_do_not_wait(
    clock: ManualClock,
) -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        broker.announces = Announced(receive_maximum=1)
        link = Link(settings(broker.port), clock)
        async with link:
            await until(partial(broker.has, PUBLISH, times=1))
            link.broker.subscribe("presence/late", link.heard.append)
            await until(partial(broker.has, SUBSCRIBE, times=2))
            broker.publish("presence/late", b"1")
            await link.until(lambda: link.heard)
            assert [heard.topic for heard in link.heard] == ["presence/late"]
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.acknowledge_publishes()
        assert broker.breaches == []


async def test_what_is_asked_and_answered_at_once_keeps_to_it_too(clock: ManualClock) -> None:
    async with strict() as broker:
        broker.announces = Announced(receive_maximum=3)
        broker.acknowledges_after_s = 0.002
        link = Link(settings(broker.port), clock)

        def answer(received: Received) -> None:
            for number in range(10):
                link.broker.publish(Message(f"presence/answer/{number}", b"1", retain=False))

        link.broker.subscribe("presence/request", answer)
        async with link:
            await link.until_connected()
            for _ in range(20):
                broker.publish("presence/request", b"1")
                await asyncio.sleep(0)
            await link.until(lambda: len(broker.messages) >= 100)
            await link.until(lambda: not link.broker.waiting)
        assert broker.breaches == []


async def test_a_real_broker_that_bears_one_at_a_time_gets_all(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, extra="allow_anonymous true\nmax_inflight_messages 1") as broker:
        link = Link(settings(broker.port), clock)
        link.facts = [FACT, *MANY]
        async with subscriber(broker.port) as mqtt, link:
            await mqtt.until_text(STATE, "online")
            assert len(mqtt.last) == len(MANY) + 2
            assert link.broker.connects == 1
