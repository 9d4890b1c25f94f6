"""What goes first when much has to go, and that nothing is deaf meanwhile."""

from __future__ import annotations

from functools import partial

from bridge.broker import Received
from bridge.broker.connection import WINDOW
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.integration.broker.conftest import (
    FACT,
    PUBLISH,
    STATE,
    SUBSCRIBE,
    Link,
    ScriptedBroker,
    scripted,
    settings,
    until,
)

BUSY = Message(FACT.topic, b'{"busy":"ON"}')
ANSWER = Message("presence/bridge/response/poll", b"{}", retain=False)
REQUESTS = "presence/bridge/request/+"


def people(count: int, *, kind: str = "account") -> list[Message]:
    return [Message(f"presence/{kind}/{number}/state", b"1") for number in range(count)]


async def acknowledge(broker: ScriptedBroker, times: int) -> list[str]:
    """Let the broker take what it was sent, ``times`` times; all topics in their order."""
    told = []
    for _ in range(times):
        await until(partial(broker.has, PUBLISH, times=1))
        told += broker.topics()
        broker.acknowledge_publishes()
    return told


async def test_in_a_long_welcome_requests_are_heard_and_answered_and_changes_are_sent() -> None:
    async with scripted(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.facts = people(5 * WINDOW)

        def answer(received: Received) -> None:
            link.heard.append(received)
            link.broker.publish(ANSWER)
            link.broker.publish(BUSY)

        link.broker.subscribe(REQUESTS, answer, commands=True)
        async with link:
            await until(partial(broker.has, PUBLISH, times=WINDOW))
            broker.publish("presence/bridge/request/poll", b"{}")
            await link.until(lambda: link.heard)
            told = await acknowledge(broker, 2)
            assert {BUSY.topic, ANSWER.topic} < set(told[: WINDOW + 2])
            assert not link.broker.connects
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.acknowledge_publishes()
            await link.until_connected()


async def test_the_backlog_follows_online_and_changes_and_beats_go_before_its_rest() -> None:
    async with scripted(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.facts, link.crowd = [FACT], people(3 * WINDOW, kind="crowd")
        async with link:
            assert await acknowledge(broker, 2) == [FACT.topic, STATE]
            await link.until_connected()
            await until(partial(broker.has, PUBLISH, times=WINDOW))
            beat = Message("presence/account/bob/state", b"1")
            link.broker.publish(beat, beat=True)
            link.broker.publish(BUSY)
            link.broker.publish(ANSWER)
            told = await acknowledge(broker, 4)
            assert told[:WINDOW] == [message.topic for message in link.crowd[:WINDOW]]
            assert told[WINDOW : WINDOW + 3] == [BUSY.topic, ANSWER.topic, beat.topic]
            assert told[WINDOW + 3 :] == [message.topic for message in link.crowd[WINDOW:]]
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})


async def test_the_backlog_is_made_when_it_is_sent_and_anew_on_each_connection() -> None:
    async with scripted(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.crowd = people(2 * WINDOW, kind="crowd")
        async with link:
            for times in (1, 2):
                await link.until_connected(times)
                await until(lambda: link.crowd[-1].topic in broker.topics())
                broker.received.clear()
                link.crowd = link.crowd[:WINDOW]
                broker.hang_up()
                await link.until_lost()
                await link.try_again()
            await link.until_connected(3)


async def test_a_stored_offline_is_not_answered_before_all_was_sent_and_anything_else_later() -> (
    None
):
    async with scripted(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        async with link:
            await until(partial(broker.has, PUBLISH, times=2))
            broker.publish(STATE, b"offline", retain=True)
            assert await acknowledge(broker, 2) == [*(fact.topic for fact in link.facts), STATE]
            await link.until_connected()
            for payload in (b"offline", b"", b"garbage", b"offline"):
                broker.publish(STATE, payload)
                assert await acknowledge(broker, 1) == [STATE]
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})


async def test_who_must_know_is_told_that_the_broker_has_a_message_and_not_when_it_refuses() -> (
    None
):
    async with scripted(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        link = Link(settings(broker.port), ManualClock())
        removal, old, new = (Message(FACT.topic, payload) for payload in (b"", b"1", b"2"))
        told: list[str] = []
        link.broker.publish(removal, sent=lambda: told.append("left out"))
        async with link:
            await link.until_connected()
            assert link.acknowledged[:2] == link.facts
            broker.answers = frozenset({SUBSCRIBE})
            link.broker.publish(old, sent=lambda: told.append("replaced"))
            link.broker.publish(new, sent=lambda: told.append("new"))
            await until(lambda: FACT.topic in broker.topics()[len(link.facts) + 1 :])
            assert not told
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.acknowledge_publishes()
            await link.until(lambda: told)
            broker.puback_code = 0x87
            link.broker.publish(removal, sent=lambda: told.append("refused"))
            await link.until(lambda: link.broker.problems)
            assert told == ["new"]
            assert link.acknowledged[-1] is new
