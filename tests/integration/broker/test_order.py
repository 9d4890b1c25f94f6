"""What goes first when much has to go, and that nothing is deaf meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bridge.broker import Received
from bridge.broker.window import WINDOW
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.strict_broker import StrictBroker, strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE
from tests.integration.broker.conftest import (
    FACT,
    STATE,
    Link,
    settings,
    until,
)

BUSY = Message(FACT.topic, b'{"busy":"ON"}')
ANSWER = Message("presence/bridge/response/poll", b"{}", retain=False)
REQUESTS = "presence/bridge/request/+"


def people(count: int, *, kind: str = "account") -> list[Message]:
    return [Message(f"presence/{kind}/{number}/state", b"1") for number in range(count)]


def acknowledge(broker: StrictBroker) -> list[str]:
    """Take all from now on; what was published so far."""
    told = broker.topics()
    broker.acknowledge_publishes()
    broker.answers = frozenset({SUBSCRIBE, PUBLISH})
    return told


async def test_in_a_long_welcome_requests_are_heard_and_answered_and_changes_are_sent() -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
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
            acknowledge(broker)
            await link.until_connected()
            assert {BUSY.topic, ANSWER.topic} == set(broker.topics()[:2])


async def test_the_backlog_follows_online_and_changes_and_beats_go_before_its_rest() -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.facts = [FACT]

        def crowd() -> Iterator[Message]:
            broker.answers = frozenset({SUBSCRIBE})
            yield from people(3 * WINDOW, kind="crowd")

        link.crowd = crowd()
        async with link:
            await until(partial(broker.has, PUBLISH, times=2 + WINDOW))
            assert link.broker.connects == 1
            beat = Message("presence/account/bob/state", b"1")
            link.broker.publish(beat, beat=True)
            link.broker.publish(BUSY)
            link.broker.publish(ANSWER)
            told = acknowledge(broker)
            await until(partial(broker.has, PUBLISH, times=3 + 2 * WINDOW))
        everybody = [message.topic for message in people(3 * WINDOW, kind="crowd")]
        assert told == [FACT.topic, STATE, *everybody[:WINDOW]]
        urgent = [BUSY.topic, ANSWER.topic, beat.topic]
        assert broker.topics()[:-1] == [*urgent, *everybody[WINDOW:]]


async def test_the_backlog_is_made_when_it_is_sent_on_each_connection() -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.crowd = people(WINDOW, kind="crowd")
        async with link:
            for times in (1, 2):
                await link.until_connected(times)
                await until(
                    partial(broker.has, PUBLISH, times=len(link.facts) + 1 + times * WINDOW)
                )
                broker.received.clear()
                link.crowd = people(2 * WINDOW, kind="crowd")
                broker.hang_up()
                await link.until_lost()
                await link.try_again()
            await link.until_connected(3)


async def test_a_stored_offline_is_not_answered_before_all_was_sent_but_all_else_is_later() -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        greeting = [*(fact.topic for fact in link.facts), STATE]
        async with link:
            await until(partial(broker.has, PUBLISH, times=2))
            broker.publish(STATE, b"offline", retain=True)
            told = acknowledge(broker)
            await link.until_connected()
            assert told + broker.topics() == greeting
            for number, payload in enumerate((b"offline", b"", b"garbage", b"offline"), 2):
                broker.publish(STATE, payload)
                await until(partial(broker.has, PUBLISH, times=number))
            assert set(broker.topics()) == {STATE}


async def test_what_the_broker_has_is_reported_and_not_what_it_refuses_or_never_got() -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        link = Link(settings(broker.port), ManualClock())
        removal, old, new = (Message(FACT.topic, payload) for payload in (b"", b"1", b"2"))
        link.broker.publish(removal)
        async with link:
            await link.until_connected()
            assert [message.topic for message in link.acknowledged] == broker.topics()
            assert removal not in link.acknowledged
            broker.answers = frozenset({SUBSCRIBE})
            link.broker.publish(old)
            link.broker.publish(new)
            await until(partial(broker.has, PUBLISH, times=len(link.facts) + 2))
            assert new not in link.acknowledged
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.acknowledge_publishes()
            await link.until(lambda: new in link.acknowledged)
            broker.puback_code = 0x87
            link.broker.publish(removal)
            await link.until(lambda: link.broker.problems)
            assert link.acknowledged[-1] is new
            assert old not in link.acknowledged
