"""The broker in memory keeps MQTT's rules, through the seam that ours uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.broker.session import (
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Received,
    SubscriptionRefusedError,
)
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.world.broker import NOT_AUTHORIZED, TAKEN_OVER, Link, MemoryBroker, Nature, matches
from tests.world.link import MemorySession, Way
from tests.world.loop import VirtualLoop

V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311
WILL = Message("a/state", b"offline")
Scenario = Callable[[MemoryBroker], Coroutine[Any, Any, None]]


def play(scenario: Scenario, nature: Nature | None = None) -> None:
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(MemoryBroker(nature)))


@asynccontextmanager
async def connected(
    broker: MemoryBroker, client_id: str = "a", version: ProtocolVersion = V5
) -> AsyncIterator[tuple[MemorySession, Way, list[tuple[str, bytes, bool]]]]:
    way = Way(broker, lambda: 0.5)
    heard: list[tuple[str, bytes, bool]] = []
    greeting = Greeting(MqttSettings(), client_id, version, WILL if client_id == "a" else None)
    try:
        async with way.connect(greeting) as session:

            async def listen() -> None:
                async for received in session.received():
                    receive(received)

            def receive(received: Received) -> None:
                heard.append((received.topic, received.payload, received.retain))

            listening = asyncio.create_task(listen())
            try:
                yield session, way, heard
            finally:
                listening.cancel()
                await asyncio.wait({listening})
                if not listening.cancelled():
                    listening.exception()
    except ConnectionFailedError:
        pass


@pytest.mark.parametrize(
    ("topic_filter", "topic", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("+/b", "a/b", True),
        ("a/b", "a/c", False),
    ],
)
def test_filters(topic_filter: str, topic: str, *, fits: bool) -> None:
    assert matches(topic_filter, topic) is fits


def test_what_is_retained_comes_marked_and_what_is_live_does_not() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        broker.publish("t", b"old", retain=True)
        async with connected(broker) as (session, _, heard):
            await session.subscribe("#", commands=False)
            await session.send([Message("t", b"new")])
            await asyncio.sleep(1)
            assert heard == [("t", b"old", True), ("t", b"new", False)]
            await session.send([Message("t", b"")])
        assert broker.retained("t") is None

    play(scenario)


@pytest.mark.parametrize(("version", "heard_stored"), [(V5, False), (V311, True)])
def test_stored_commands_are_kept_back_under_5_only(
    version: ProtocolVersion, *, heard_stored: bool
) -> None:
    async def scenario(broker: MemoryBroker) -> None:
        broker.publish("set", b"old", retain=True)
        async with connected(broker, version=version) as (session, _, heard):
            await session.subscribe("set", commands=True)
            await asyncio.sleep(1)
            assert bool(heard) is heard_stored

    play(scenario)


@pytest.mark.parametrize(("version", "stays"), [(V5, False), (V311, True)])
def test_messages_expire_under_5_only(version: ProtocolVersion, *, stays: bool) -> None:
    async def scenario(broker: MemoryBroker) -> None:
        async with connected(broker, version=version) as (session, _, _heard):
            await session.send([Message("t", b"x", expiry_s=600)])
        await asyncio.sleep(601)
        assert (broker.retained("t") is not None) is stays

    play(scenario)


def test_a_will_waits_and_a_clean_end_has_none() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        async with connected(broker):
            pass
        await asyncio.sleep(60)
        assert broker.retained("a/state") is None
        async with connected(broker) as (_, way, _heard):
            way.cut()
            await asyncio.sleep(4)
            assert broker.retained("a/state") is None
            await asyncio.sleep(2)
            assert broker.retained("a/state") == b"offline"

    play(scenario)


def test_a_silent_client_is_noticed_by_its_keepalive() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        async with connected(broker) as (_, way, _heard):
            way.silence()
            await asyncio.sleep(49)
            assert broker.retained("a/state") is None
            await asyncio.sleep(2)
            assert broker.retained("a/state") == b"offline"

    play(scenario)


def test_the_older_of_two_with_one_name_is_thrown_out() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        greeting = Greeting(MqttSettings(), "a", V5, WILL)
        ways = [Way(broker, lambda: 0.5) for _ in range(2)]
        async with ways[0].connect(greeting) as old, ways[1].connect(greeting):
            assert broker.retained("a/state") == b"offline"
            with pytest.raises(ConnectionFailedError) as told:
                await old.send([Message("t", b"x")])
            assert told.value.code == TAKEN_OVER
        assert broker.retained("t") is None

    play(scenario)


def test_nobody_who_is_cut_off_knows_what_got_through() -> None:
    """An acknowledgement can be lost, and what it was for is stored all the same."""

    async def scenario(broker: MemoryBroker) -> None:
        way = Way(broker, lambda: 0.5)
        way.latency_s = 1.0
        asyncio.get_running_loop().call_later(3.5, way.cut)
        with pytest.raises(ConnectionFailedError):
            async with way.connect(Greeting(MqttSettings(), "b", V5)) as session:
                await session.send([Message("t", b"x")])
        assert broker.retained("t") == b"x"

    play(scenario)


def test_refusals_name_their_code() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        broker.refuse("t", NOT_AUTHORIZED)
        async with connected(broker) as (session, _, _heard):
            with pytest.raises(SubscriptionRefusedError) as told:
                await session.subscribe("t", commands=False)
            assert told.value.code == NOT_AUTHORIZED
            assert [r.code for r in await session.send([Message("t", b"x")])] == [NOT_AUTHORIZED]
        assert broker.retained("t") is None

    play(scenario)


def test_a_silent_broker_costs_ten_seconds() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        loop = asyncio.get_running_loop()
        way = Way(broker, lambda: 0.5)
        async with way.connect(Greeting(MqttSettings(), "b", V5)) as session:
            way.silence()
            began_s = loop.time()
            with pytest.raises(ConnectionFailedError, match="no answer within 10 s"):
                await session.send([Message("t", b"x")])
        assert loop.time() - began_s == pytest.approx(10)

    play(scenario)


def test_a_broker_without_memory_has_forgotten_all() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        broker.publish("t", b"x", retain=True)
        broker.go()
        with pytest.raises(ConnectionFailedError):
            async with Way(broker, lambda: 0.5).connect(Greeting(MqttSettings(), "b", V5)):
                pass
        broker.come(with_memory=False)
        assert broker.retained("t") is None

    play(scenario)


def test_what_goes_above_an_announced_limit_is_found_and_ends_the_connection() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        link = broker.accept("a", V5, None)
        assert isinstance(link, Link)
        for message in (Message("t", b"1"), Message("t", b"x" * 100, qos=0)):
            link.publish(message)
        assert broker.breaches == ["a sent t against 0x9b", "a sent t against 0x95"]
        assert not broker.is_linked("a")
        assert broker.accept("a", V5, WILL) == 0x9B

    play(scenario, Nature(limits=Limits(maximum_qos=0, maximum_packet_size=64)))


def test_within_announced_limits_all_that_can_be_sent_is_sent() -> None:
    async def scenario(broker: MemoryBroker) -> None:
        async with connected(broker, "b") as (session, _, _heard):
            large = Message("large", b"x" * 100)
            (refusal,) = await session.send([large, Message("t", b"1", qos=2)])
            assert refusal.message is large
        assert (broker.retained("t"), broker.breaches) == (b"1", [])

    play(scenario, Nature(limits=Limits(maximum_qos=0, maximum_packet_size=64)))
