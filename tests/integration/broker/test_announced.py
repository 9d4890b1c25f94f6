"""What a broker announces is kept, and what it says of it is learnt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bridge.broker.connection import connect
from bridge.broker.negotiation import AGAIN_S
from bridge.broker.session import Greeting, ProtocolVersion, SubscriptionRefusedError
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import running
from tests.fakes.strict_broker import NO_RETAIN, NO_SUCH_QOS, TOO_LARGE, TOO_MANY, strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE, Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    CLIENT_ID,
    FACT,
    STATE,
    Link,
    packets,
    settings,
    until,
)

LARGE = Message("homeassistant/device/presence_account_alice/config", b"x" * 5800)
EVENT = Message("presence/account/alice/event", b"{}", retain=False)
REAL = "allow_anonymous true\n"


async def test_what_is_too_large_is_left_out_and_named_once_and_the_rest_flows(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, extra=f"{REAL}max_packet_size 4096") as broker:
        link = Link(settings(broker.port), clock)
        link.facts = [LARGE, FACT]
        async with subscriber(broker.port) as mqtt, link:
            await mqtt.until_text(STATE, "online")
            link.broker.publish(LARGE)
            link.broker.publish(EVENT)
            await mqtt.until(EVENT.topic)
            assert set(mqtt.last) == {FACT.topic, STATE, EVENT.topic}
            (problem,) = link.broker.problems
            assert link.broker.connects == 1
            assert link.broker.limits is not None
            assert link.broker.limits.maximum_packet_size == 4096
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == problem
    assert (
        f"publish on {LARGE.topic} (5800 bytes, and it takes no packet of more than 4096)" in line
    )
    assert "who runs the broker must raise its largest packet (max_packet_size" in line


async def test_a_broker_of_3_1_1_that_ends_the_connection_at_what_is_too_large_gets_the_rest(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no word for it, and announces nothing."""
    async with running(tmp_path, extra=f"{REAL}max_packet_size 4096") as broker:
        link = Link(settings(broker.port, protocol="3.1.1"), clock)
        link.facts = [FACT, LARGE]
        async with subscriber(broker.port) as mqtt, link:
            for _ in range(3):
                await link.try_again()
            await link.until_connected()
            await mqtt.until_text(STATE, "online")
            assert LARGE.topic not in mqtt.last
            assert any(LARGE.topic in problem for problem in link.broker.problems)
    assert "takes no packet as large as ours" in caplog.text
    assert "another program" not in caplog.text


@pytest.mark.parametrize("over", [0, 1])
async def test_the_last_byte_that_surely_fits_is_sent(over: int) -> None:
    async with strict() as broker:
        broker.announces = Announced(maximum_packet_size=1000)
        async with connect(Greeting(settings(broker.port), CLIENT_ID, ProtocolVersion.V5)) as link:
            largest = b"x" * (1000 - 32 - len("ä".encode()) + over)
            refused = await link.send([Message("ä", largest, expiry_s=60)])
            assert len(refused) == over
        assert broker.breaches == []


async def test_a_broker_that_keeps_nothing_gets_all_the_same_and_the_log_says_it_once(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, extra=f"{REAL}retain_available false") as broker:
        async with subscriber(broker.port) as mqtt, Link(settings(broker.port), clock) as link:
            await mqtt.until_text(STATE, "online")
            assert mqtt.last[FACT.topic].payload == FACT.payload
            (problem,) = link.broker.problems
            assert "keeps nothing (retain is not available)" in problem
            broker.stop()
            await link.until_lost()
            await broker.start()
            await link.try_again()
            await link.until_connected(2)
        lines = [record.getMessage() for record in caplog.records]
        assert sum("keeps nothing" in line for line in lines) == 1
        assert broker.log.count("as presence-bridge (p5") == 2, "the will is right at the first try"


async def test_a_broker_that_stores_messages_at_last_is_reported_and_used(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        broker.announces = Announced(retain_available=False)
        await link.until_connected()
        assert not any(message.retain for message in broker.messages)
        assert link.broker.problems
        broker.announces = Announced()
        broker.hang_up()
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)
        assert broker.stored[STATE].payload == b"online"
        assert not link.broker.problems


@pytest.mark.parametrize("most", [0, 1])
async def test_messages_and_will_go_at_the_qos_that_is_allowed(
    most: int, clock: ManualClock
) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        broker.announces = Announced(maximum_qos=most, retain_available=False)
        link.facts = [Message(f"presence/{number}", b"1", qos=2) for number in range(60)]
        await link.until_connected()
        await until(lambda: len(broker.messages) == 61)
        assert {message.qos for message in broker.messages} == {most}
        will = broker.hellos[-1].will
        assert will is not None
        assert (will.qos, will.retain) == (most, False)
        link.broker.publish(EVENT)
        await until(lambda: broker.messages[-1].topic == EVENT.topic)
        broker.hang_up()
        await link.until_lost()
        hellos = len(broker.hellos)
        await link.try_again()
        await link.until_connected(2)
        assert len(broker.hellos) == hellos + 1, "it is remembered"
    await until(lambda: broker.messages[-1].payload == b"offline")
    assert broker.breaches == []


UNANNOUNCED: dict[str, tuple[int, Callable[[Message], bool]]] = {
    "retain": (NO_RETAIN, lambda message: not message.retain),
    "qos": (NO_SUCH_QOS, lambda message: message.qos == 0),
    "size": (TOO_LARGE, lambda message: message.topic != LARGE.topic),
}


@pytest.mark.parametrize("kind", UNANNOUNCED)
async def test_what_ended_a_connection_without_having_been_announced_is_not_repeated(
    kind: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    code, fits = UNANNOUNCED[kind]
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), clock)
        link.facts = [LARGE, FACT]
        async with link:
            await until(lambda: broker.messages)
            broker.dismiss(code)
            await link.until_lost()
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.messages.clear()
            await link.try_again()
            await link.until_connected()
            assert all(fits(message) for message in broker.messages)
            assert STATE in {message.topic for message in broker.messages}
            await clock.advance(AGAIN_S)
            broker.dismiss(0x98)
            await link.until_lost()
            broker.messages.clear()
            await link.try_again()
            await link.until_connected(2)
            assert not all(fits(message) for message in broker.messages)
    assert "who runs it must" in caplog.text


async def test_a_broker_that_bears_less_than_it_says_gets_less_at_a_time(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), clock)
        link.facts = [Message(f"presence/{number}", b"1") for number in range(60)]
        async with link:
            for most in (20, 10, 5, 2, 1, 1):
                await until(partial(broker.has, PUBLISH, times=most))
                await asyncio.sleep(0.01)
                assert broker.most_unacknowledged == most
                broker.most_unacknowledged = 0
                broker.received.clear()
                broker.dismiss(TOO_MANY)
                await link.until_lost()
                await link.try_again()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "takes fewer unacknowledged messages at a time than it announced (0x93)" in line


async def test_a_limit_of_nothing_at_all_is_none(clock: ManualClock) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        broker.announces = Announced(receive_maximum=0, maximum_packet_size=0, keep_alive_s=0)
        await link.until_connected()
        assert not link.broker.problems


async def test_a_client_id_that_the_broker_gives_is_used_from_then_on(clock: ManualClock) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        broker.announces = Announced(client_id="user-7")
        await link.until_connected()
        broker.announces = Announced()
        broker.hang_up()
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)
        broker.dismiss(0x8E)
        await link.until_lost()
        assert "client id 'user-7'" in link.broker.problems[0]
        assert [hello.client_id for hello in broker.hellos] == [CLIENT_ID, "user-7"]
        broker.connack_code = 0x85
        await link.try_again()
        await link.until_resting()
        assert broker.hellos[-1].client_id == CLIENT_ID


async def test_a_shorter_keepalive_is_kept() -> None:
    async with strict() as broker:
        broker.announces = Announced(keep_alive_s=1)
        async with connect(Greeting(settings(broker.port), CLIENT_ID, ProtocolVersion.V5)) as link:
            assert link.limits.keep_alive_s == 1
            await asyncio.sleep(2.5)  # a ping is sent by paho, on the clock of the machine
            assert await link.send([FACT]) == []
        assert broker.breaches == []


async def test_what_a_real_broker_wants_as_keepalive_is_known(tmp_path: Path) -> None:
    async with (
        running(tmp_path, extra=f"{REAL}max_keepalive 12") as broker,
        connect(Greeting(settings(broker.port), CLIENT_ID, ProtocolVersion.V5)) as session,
    ):
        assert session.limits.keep_alive_s == 12


async def test_without_wildcards_such_a_filter_is_reported_and_the_others_are_heard(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker:
        broker.announces = Announced(wildcards=False)
        link = Link(settings(broker.port), clock)
        link.broker.subscribe("presence/bridge/request/+", link.heard.append)
        async with link:
            await link.until_connected()
            (problem,) = link.broker.problems
            assert "request/+ (it allows no wildcards): who runs the broker must allow" in problem
        async with connect(Greeting(settings(broker.port), CLIENT_ID, ProtocolVersion.V5)) as own:
            await own.subscribe("a/b", commands=False)
            for topic_filter in ("#", "a/+"):
                with pytest.raises(SubscriptionRefusedError):
                    await own.subscribe(topic_filter, commands=False)
    assert broker.breaches == []
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_the_chosen_beginning_of_client_ids_is_used(version: str, clock: ManualClock) -> None:
    async with strict() as broker:
        own = settings(broker.port, client_id="tenant:7", protocol=version)
        async with Link(own, clock, client_id=own.client_id_of("driver-desk")) as link:
            await link.until_connected()
        assert broker.hellos[0].client_id == "tenant:7-driver-desk"


async def test_packets_of_a_real_broker_bear_no_retain_where_that_is_not_available(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with (
        running(tmp_path, extra=f"{REAL}retain_available false\nmax_qos 0") as broker,
        Link(settings(broker.port), clock) as link,
    ):
        await link.until_connected()
        await link.until(lambda: "(d0, q0, r0" in broker.log)
        assert not [line for line in packets(broker) if "DISCONNECT" in line]
        assert "q1, r1" not in broker.log
