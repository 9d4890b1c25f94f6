"""What is too much, or no MQTT at all: for the broker, and for us."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from bridge.broker.connection import connect
from bridge.broker.session import LARGEST_PAYLOAD, Greeting, ProtocolVersion
from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.discovery.devices import account_device
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE, Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    CLIENT_ID,
    FACT,
    Link,
    packets,
    settings,
    until,
)

SHIPPED = Path("mosquitto/mosquitto.conf").read_text(encoding="utf-8")
RULE = "presence/driver/desk/light/rule"
TOO_LONG = b"x" * (LARGEST_PAYLOAD + 1)


def greeting(port: int, version: ProtocolVersion = ProtocolVersion.V5) -> Greeting:
    return Greeting(settings(port), CLIENT_ID, version)


async def test_no_more_is_unacknowledged_than_the_broker_bears_not_even_of_what_was_given_up() -> (
    None
):
    async with strict(answers=frozenset()) as broker:
        broker.announces = Announced(receive_maximum=3)
        async with connect(greeting(broker.port)) as session:
            assert session.limits.receive_maximum == 3
            many = [Message(f"presence/{number}", b"1") for number in range(5)]
            given_up = asyncio.create_task(session.send(many))
            await until(partial(broker.has, PUBLISH, times=3))
            given_up.cancel()
            with suppress(asyncio.CancelledError):
                await given_up
            sending = asyncio.create_task(session.send([FACT]))
            await ManualClock().settle()
            assert broker.count(PUBLISH) == 3
            broker.acknowledge_publishes()
            await until(partial(broker.has, PUBLISH, times=1))
            broker.acknowledge_publishes()
            assert await sending == []


async def test_what_is_too_large_for_the_broker_is_reported_and_not_sent() -> None:
    async with strict(answers=frozenset({PUBLISH})) as broker:
        broker.announces = Announced(maximum_packet_size=1024)
        async with connect(greeting(broker.port)) as session:
            large = Message("presence/large", b"x" * 1024)
            (refusal,) = await session.send([large, FACT])
            assert refusal.message is large
            assert refusal.code == 0x95
            assert refusal.reason == "1024 bytes, and it takes no packet of more than 1024"
            assert broker.topics() == [FACT.topic]


async def test_what_the_shipped_broker_announces_is_known_and_bears_all_that_is_ours(
    tmp_path: Path,
) -> None:
    (limit,) = [line for line in SHIPPED.splitlines() if line.startswith("max_packet_size")]
    topics = Topics("p" * 60, "h" * 60)
    largest = account_device(topics, "a" * 40, Followed("Ä" * 250, settable=True), "1.2.3")
    async with (
        running(tmp_path, extra=f"allow_anonymous true\n{limit}") as broker,
        connect(greeting(broker.port)) as session,
    ):
        assert session.limits.maximum_packet_size == LARGEST_PAYLOAD
        assert session.limits.receive_maximum == 20
        assert await session.send([largest]) == []
        (refusal,) = await session.send([Message(FACT.topic, TOO_LONG)])
        assert refusal.code == 0x95
    assert len(largest.payload) < LARGEST_PAYLOAD / 8


async def test_a_flood_stored_by_somebody_never_reaches_us_and_the_rest_does(
    mosquitto: Mosquitto, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    """Under MQTT 5 the broker itself keeps it back."""
    async with subscriber(mosquitto.port, topic="nothing") as mqtt:
        await mqtt.publish(RULE, TOO_LONG, retain=True)
        link.broker.subscribe("presence/driver/+/light/+", link.heard.append)
        await until(lambda: "SUBSCRIBE presence/driver/+/light/+" in packets(mosquitto))
        await mqtt.publish(RULE, b"{}", retain=True)
        await link.until(lambda: link.heard)
    assert [heard.payload for heard in link.heard] == [b"{}"]
    assert link.broker.connects == 1
    assert not caplog.records


async def test_under_3_1_1_it_is_dropped_before_anybody_sees_it_and_reported_once(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running(tmp_path, extra="allow_anonymous true\nmax_packet_size 20000000") as broker,
        Link(settings(broker.port), clock, version=ProtocolVersion.V311) as link,
    ):
        link.broker.subscribe(RULE, link.heard.append)
        await link.until_connected()
        async with subscriber(broker.port, topic="nothing") as mqtt:
            for payload in (TOO_LONG, TOO_LONG, b"{}"):
                await mqtt.publish(RULE, payload)
            await link.until(lambda: link.heard)
    assert [heard.payload for heard in link.heard] == [b"{}"]
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == f"ignored {len(TOO_LONG)} bytes on {RULE}"


async def test_what_was_not_subscribed_reaches_nobody() -> None:
    async with (
        strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
        Link(settings(broker.port), ManualClock()) as link,
    ):
        link.broker.subscribe("presence/+/a", link.heard.append)
        await link.until_connected()
        for topic in ("presence/b", "presence/x/y/a", "other", "presence/x/a"):
            broker.publish(topic, b"1")
        await link.until(lambda: link.heard)
    assert [heard.topic for heard in link.heard] == ["presence/x/a"]


GARBAGE = {
    "no packet": b"\xff\xff\xff\xff\xff\xff",
    "no utf-8": bytes((0x30, 5, 0, 2, 0xC3, 0x28, 0)),
    "cut short": bytes((0x30, 1, 0)),
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100),
    "unknown reason": bytes((0xE0, 2, 0x7B, 0)),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_from_a_broker_ends_the_connection_and_nothing_else(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
        Link(settings(broker.port), ManualClock()) as link,
    ):
        await link.until_connected()
        broker.send(GARBAGE[kind])
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_broker_that_hangs_up_instead_of_answering_is_said_to_do_so(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        broker.levels.clear()
        await link.until_resting()
    assert "if that port is for TLS, set tls = true" in caplog.text
