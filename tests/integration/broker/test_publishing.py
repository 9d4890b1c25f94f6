"""What goes out, what comes in, and the last words."""

from __future__ import annotations

import asyncio
from functools import partial

import aiomqtt
import pytest

from bridge.broker.own_state import HEAL_EVERY_S, HEALED_MOST
from bridge.broker.window import WINDOW as IN_FLIGHT
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    FACT,
    STATE,
    Link,
    packets,
    run_hurried,
    settings,
    until,
)

BUSY = Message(FACT.topic, b'{"busy":"ON"}')
EVENT = Message("presence/account/alice/event", b'{"event_type":"changed"}', retain=False)


async def test_a_late_will_of_somebody_else_is_answered_with_online(
    mosquitto: Mosquitto, link: Link
) -> None:
    async with subscriber(mosquitto.port, topic=STATE) as mqtt:
        await mqtt.until_text(STATE, "online")
        for _ in range(3):
            since = len(mqtt.heard)
            await mqtt.publish(STATE, "offline", retain=True)
            await mqtt.until_text(STATE, "offline", since=since)
            await mqtt.until_text(STATE, "online", since=since)
    async with subscriber(mosquitto.port, topic=STATE) as fresh:
        assert (await fresh.until(STATE)).text == "online"


async def test_who_says_something_else_for_ever_is_answered_once_a_second(
    mosquitto: Mosquitto, link: Link, clock: ManualClock
) -> None:
    async with subscriber(mosquitto.port, topic=STATE) as mqtt:
        await mqtt.until_text(STATE, "online")

        async def contradict(*, is_answered: bool) -> None:
            since = len(mqtt.heard)
            await mqtt.publish(STATE, "offline", retain=True)
            await mqtt.until_text(STATE, "offline", since=since)
            if is_answered:
                await mqtt.until_text(STATE, "online", since=since)

        for _ in range(HEALED_MOST):
            await contradict(is_answered=True)
        since = len(mqtt.heard)
        for _ in range(5):
            await contradict(is_answered=False)
        await link.until_resting()
        assert {heard.text for heard in mqtt.heard[since:]} == {"offline"}
        await clock.advance(HEAL_EVERY_S)
        await mqtt.until_text(STATE, "online", since=since)
        await clock.advance(60)
        await contradict(is_answered=True)


async def test_an_old_offline_on_the_broker_is_replaced_on_connect(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    async with subscriber(mosquitto.port, topic=STATE) as mqtt:
        await mqtt.publish(STATE, "offline", retain=True)
        await mqtt.until_text(STATE, "offline")
        async with Link(settings(mosquitto.port), clock) as link:
            await link.until_connected()
            await mqtt.until_text(STATE, "online")


async def test_its_own_online_is_not_answered(mosquitto: Mosquitto, link: Link) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        await mqtt.publish(STATE, "online", retain=True)
        link.broker.publish(EVENT)
        await mqtt.until(EVENT.topic)
    assert packets(mosquitto).count(f"PUBLISH {STATE}") == 1


async def test_while_the_broker_is_away_events_wait_and_states_come_with_the_greeting(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    mosquitto.stop()
    async with Link(settings(mosquitto.port), clock) as link:
        await link.until_resting()
        for payload in (b"1", b"2", b"3"):
            link.facts[1] = Message(FACT.topic, payload)
            link.broker.publish(link.facts[1])
        link.broker.publish(EVENT)
        assert link.broker.waiting == 1
        await mosquitto.start()
        async with subscriber(mosquitto.port, topic="presence/#") as mqtt:
            await link.try_again()
            await mqtt.until(EVENT.topic)
            assert [(heard.topic, heard.payload) for heard in mqtt.heard] == [
                (FACT.topic, b"3"),
                (STATE, b"online"),
                (EVENT.topic, EVENT.payload),
            ]
        assert link.broker.waiting == 0


async def test_states_are_kept_by_the_broker_and_events_are_not(
    mosquitto: Mosquitto, link: Link
) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        link.broker.publish(EVENT)
        link.broker.publish(BUSY)
        await mqtt.until(EVENT.topic)
        await mqtt.until(FACT.topic, lambda heard: heard.payload == BUSY.payload)
    async with subscriber(mosquitto.port) as fresh:
        await fresh.until_text(STATE, "online")
        assert fresh.last[FACT.topic].payload == BUSY.payload
        assert EVENT.topic not in fresh.last


async def test_with_mqtt_5_a_message_carries_its_expiry(mosquitto: Mosquitto, link: Link) -> None:
    health = Message("presence/bridge/health", b"{}", expiry_s=180)
    async with aiomqtt.Client(
        "127.0.0.1", mosquitto.port, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        await client.subscribe(health.topic, qos=1)
        link.broker.publish(health)
        async with asyncio.timeout(10):
            received = await anext(client.messages)
    assert received.properties is not None
    assert 0 < received.properties.MessageExpiryInterval <= 180  # type: ignore[attr-defined]


async def test_a_big_house_is_announced_in_whole(mosquitto: Mosquitto, clock: ManualClock) -> None:
    link = Link(settings(mosquitto.port), clock)
    link.facts = [
        Message(f"presence/account/a{number}/state", b"x" * 2000) for number in range(500)
    ]
    async with subscriber(mosquitto.port) as mqtt, link:
        await link.until_connected()
        await mqtt.until_text(STATE, "online")
        assert [heard.topic for heard in mqtt.heard[:-1]] == [fact.topic for fact in link.facts]


async def test_no_more_than_twenty_messages_wait_for_their_acknowledgement() -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.facts = [Message(f"presence/{number}", b"1") for number in range(2 * IN_FLIGHT + 5)]
        async with link:
            for expected in (IN_FLIGHT, IN_FLIGHT, 5, 1):
                await link.until(partial(broker.has, PUBLISH, times=expected))
                await link.clock.settle()
                assert broker.count(PUBLISH) == expected
                assert not link.broker.connects
                broker.acknowledge_publishes()
            await link.until_connected()
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})


async def test_what_waited_when_the_connection_broke_does_not_overwrite_what_is_newer() -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        async with Link(settings(broker.port), ManualClock()) as link:
            await link.until_connected()
            broker.answers = frozenset({SUBSCRIBE})
            for number in range(IN_FLIGHT):
                link.broker.publish(Message(f"presence/{number}", b"1"))
            link.broker.publish(BUSY)
            await link.until(partial(broker.has, PUBLISH, times=len(link.facts) + 1 + IN_FLIGHT))
            assert link.broker.waiting == 1
            broker.hang_up()
            await link.until_resting()
            broker.received.clear()
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            link.broker.publish(EVENT)
            await link.try_again()
            await link.until(partial(broker.has, PUBLISH, times=len(link.facts) + 2))
        topics = broker.topics()
    assert topics[:4] == [*(fact.topic for fact in link.facts), STATE, EVENT.topic]
    assert topics.count(BUSY.topic) == 1


async def test_stored_messages_reach_those_who_follow_states_but_no_command_does(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        await mqtt.publish("presence/bridge/request/restart", "old", retain=True)
        await mqtt.publish("presence/account/alice/state", "known", retain=True)
        link = Link(settings(mosquitto.port), clock)
        link.facts = []
        link.broker.subscribe("presence/bridge/request/+", link.heard.append, commands=True)
        link.broker.subscribe("presence/account/+/state", link.heard.append)
        async with link:
            await link.until_connected()
            await mqtt.publish("presence/bridge/request/poll", "new")
            await link.until(lambda: len(link.heard) >= 2)
    told = {heard.topic: (heard.payload, heard.retain) for heard in link.heard}
    assert told == {
        "presence/account/alice/state": (b"known", True),
        "presence/bridge/request/poll": (b"new", False),
    }


async def test_what_is_followed_later_is_heard_too_and_after_a_reconnect(
    mosquitto: Mosquitto, link: Link
) -> None:
    link.broker.subscribe("homeassistant/status", link.heard.append)
    async with subscriber(mosquitto.port) as mqtt:
        await until(lambda: "SUBSCRIBE homeassistant/status" in packets(mosquitto))
        await mqtt.publish("homeassistant/status", "online")
        await link.until(lambda: link.heard)
    mosquitto.stop()
    await mosquitto.start()
    await link.try_again()
    await link.until_connected(times=2)
    async with subscriber(mosquitto.port) as mqtt:
        await mqtt.publish("homeassistant/status", "again")
        await link.until(lambda: link.heard[-1].payload == b"again")


async def test_what_is_no_longer_followed_is_heard_no_more(
    mosquitto: Mosquitto, link: Link
) -> None:
    rest: list[object] = []
    link.broker.subscribe("presence/a", link.heard.append)
    link.broker.subscribe("presence/b", rest.append)
    await until(lambda: "SUBSCRIBE presence/b" in packets(mosquitto))
    link.broker.unsubscribe("presence/a")
    await until(lambda: "UNSUBSCRIBE presence/a" in packets(mosquitto))
    async with subscriber(mosquitto.port) as mqtt:
        await mqtt.publish("presence/a", "1")
        await mqtt.publish("presence/b", "1")
        await link.until(lambda: rest)
    assert link.heard == []


@pytest.mark.parametrize("size", [0, 200_000])
async def test_a_message_of_any_reasonable_size_is_handed_on(
    mosquitto: Mosquitto, link: Link, size: int
) -> None:
    link.broker.subscribe("presence/bridge/request/+", link.heard.append, commands=True)
    await until(lambda: "SUBSCRIBE presence/bridge/request/+" in packets(mosquitto))
    async with subscriber(mosquitto.port, topic="nothing") as mqtt:
        await mqtt.publish("presence/bridge/request/poll", b"x" * size)
        await link.until(lambda: link.heard)
    assert len(link.heard[0].payload) == size


async def test_on_a_clean_stop_the_last_words_come_in_order_and_the_will_does_not(
    mosquitto: Mosquitto, link: Link
) -> None:
    link.farewell = [Message("presence/account/alice/availability", b"offline")]
    async with subscriber(mosquitto.port) as mqtt:
        await mqtt.until_text(STATE, "online")
        since = len(mqtt.heard)
        await link.stop()
        await mqtt.until_text(STATE, "offline", since=since)
        said = [(heard.topic, heard.text) for heard in mqtt.heard[since:]]
    assert said == [("presence/account/alice/availability", "offline"), (STATE, "offline")]
    await until(lambda: packets(mosquitto)[-1] == "DISCONNECT")


async def test_after_a_clean_stop_the_discovery_stays(mosquitto: Mosquitto, link: Link) -> None:
    await link.stop()
    async with subscriber(mosquitto.port) as fresh:
        await fresh.until_text(STATE, "offline")
        assert {fact.topic for fact in link.facts} < set(fresh.last)


def test_a_goodbye_to_a_broker_that_hangs_ends_with_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unanswered: list[int] = []

    async def scenario() -> None:
        async with (
            strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
            Link(settings(broker.port), ManualClock()) as link,
        ):
            await link.until_connected()
            broker.answers = frozenset()
            broker.received.clear()
            before = asyncio.get_running_loop().time()
            await link.stop()
            assert asyncio.get_running_loop().time() - before < 10
            unanswered.extend(kind for kind, _ in broker.received)

    run_hurried(scenario())
    assert PUBLISH in unanswered
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == [
        "could not say goodbye to the broker: no answer"
    ]
