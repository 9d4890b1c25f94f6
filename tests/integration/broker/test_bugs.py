"""A bug of ours is no fault of the connection: it is told as a bug, and all else goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.broker import Received
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import FACT, STATE, Link, packets, settings, until

TOPIC = "presence/driver/desk/light/set"


@pytest.mark.parametrize("error", [PermissionError("read-only"), KeyError("alice"), TimeoutError()])
async def test_a_handler_that_fails_costs_its_message_only_and_is_reported_once_as_a_bug(
    mosquitto: Mosquitto, link: Link, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def failing(received: Received) -> None:
        if received.payload != b"good":
            raise error
        good.append(received)

    good: list[Received] = []
    link.broker.subscribe(TOPIC, failing)
    link.broker.subscribe("presence/driver/+/light/set", link.heard.append)
    await until(lambda: "SUBSCRIBE presence/driver/+/light/set" in packets(mosquitto))
    async with subscriber(mosquitto.port) as mqtt:
        for payload in (b"bad", b"bad again", b"good"):
            await mqtt.publish(TOPIC, payload)
        await link.until(lambda: good)
    assert len(link.heard) >= 3
    assert link.broker.connects == 1
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "please report" in told.getMessage()
    assert TOPIC in told.getMessage()
    assert told.exc_info is not None
    assert told.exc_info[1] is error


async def test_a_welcome_that_fails_in_the_middle_ends_with_online_all_the_same(
    mosquitto: Mosquitto, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def failing() -> Iterator[Message]:
        yield FACT
        raise KeyError("bob")

    async with subscriber(mosquitto.port) as mqtt:
        async with Link(settings(mosquitto.port), clock, welcome=failing) as link:
            await mqtt.until_text(STATE, "online")
            assert [heard.topic for heard in mqtt.heard] == [FACT.topic, STATE]
            await link.until_connected()
        await mqtt.until_text(STATE, "offline")
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "please report" in told.getMessage()


async def test_who_receives_an_acknowledgement_may_fail_too(
    mosquitto: Mosquitto, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(message: Message) -> None:
        raise OSError("disk full")

    link = Link(settings(mosquitto.port), clock, acknowledged=failing)
    async with subscriber(mosquitto.port) as mqtt, link:
        await link.until_connected()
        link.broker.publish(Message("presence/later", b"1", retain=False))
        await mqtt.until("presence/later")
    assert link.broker.connects == 1
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "please report" in told.getMessage()


async def test_subscriptions_that_change_while_the_connection_breaks_are_right_on_the_next(
    mosquitto: Mosquitto, link: Link
) -> None:
    link.broker.subscribe("presence/old", link.heard.append)
    await until(lambda: "SUBSCRIBE presence/old" in packets(mosquitto))
    mosquitto.stop()
    link.broker.unsubscribe("presence/old")
    link.broker.subscribe("presence/new", link.heard.append)
    await link.until_lost()
    before = len(packets(mosquitto))
    await mosquitto.start()
    await link.try_again()
    await link.until_connected(2)
    asked = [line for line in packets(mosquitto)[before:] if line.startswith("SUBSCRIBE")]
    assert asked == [f"SUBSCRIBE {STATE}", "SUBSCRIBE presence/new"]


async def test_a_topic_that_is_none_is_reported_as_refused_and_stops_nothing(
    mosquitto: Mosquitto, link: Link
) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        for topic in ("presence/+/state", "", "presence/\ud800", "a\0b", "presence/good"):
            link.broker.publish(Message(topic, b"1", retain=False))
        link.broker.subscribe("presence/#/state", link.heard.append)
        await mqtt.until("presence/good")
        await link.until(lambda: len(link.broker.problems) == 5)
    assert link.broker.connects == 1
