"""Coming, coming back, and being kept from it."""

from __future__ import annotations

import asyncio
import logging
import signal
import time

import pytest

from bridge.broker.takeover import NOBODY_S
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, free_port
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import CONNECT, PUBLISH, SUBSCRIBE
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    CLIENT_ID,
    CONFIG,
    FACT,
    SESSION_TAKEN_OVER,
    STATE,
    Link,
    packets,
    run_hurried,
    settings,
    until,
)

GREETING = [
    f"SUBSCRIBE {STATE}",
    "SUBSCRIBE presence/bridge/request/+",
    f"PUBLISH {CONFIG.topic}",
    f"PUBLISH {FACT.topic}",
    f"PUBLISH {STATE}",
]


async def test_on_connect_it_subscribes_then_sends_all_and_is_online_last(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        link = Link(settings(mosquitto.port), clock)
        link.broker.subscribe("presence/bridge/request/+", link.heard.append, commands=True)
        async with link:
            await mqtt.until_text(STATE, "online")
            assert [heard.topic for heard in mqtt.heard] == [CONFIG.topic, FACT.topic, STATE]
    assert packets(mosquitto)[: len(GREETING)] == GREETING
    assert f"as {CLIENT_ID} (p5, c1, k30)" in mosquitto.log


async def test_a_broker_that_forgot_everything_gets_everything_in_the_same_order(
    mosquitto: Mosquitto, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    link = Link(settings(mosquitto.port), clock)
    link.broker.subscribe("presence/bridge/request/+", link.heard.append, commands=True)
    async with link:
        await link.until_connected()
        before = len(packets(mosquitto))
        mosquitto.stop(signal.SIGKILL)
        await link.until_resting()
        link.facts[1] = Message(FACT.topic, b'{"busy":"ON"}')
        await mosquitto.start()
        await link.try_again()
        await link.until_connected(times=2)
        assert packets(mosquitto)[before:] == GREETING
        async with subscriber(mosquitto.port) as fresh:
            await fresh.until_text(STATE, "online")
            assert fresh.last[FACT.topic].json == {"busy": "ON"}
            assert all(heard.retain for heard in fresh.heard)
            await fresh.publish("presence/bridge/request/poll", "{}")
            await link.until(lambda: link.heard)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]


async def test_a_start_before_the_broker_is_normal(
    mosquitto: Mosquitto, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    mosquitto.stop()
    async with Link(settings(mosquitto.port), clock) as link:
        rests = [round(await link.try_again(), 1) for _ in range(20)]
        assert rests == [0.1, 0.3, *[1] * 13, 2, 4, 8, 15, 15]
        assert not link.broker.connected
        await mosquitto.start()
        await link.try_again()
        await link.until_connected()
    lost, back = (record.getMessage() for record in caplog.records)
    assert lost.startswith(f"broker 127.0.0.1:{mosquitto.port} cannot be reached")
    assert back == f"connected to broker 127.0.0.1:{mosquitto.port}, MQTT 5.0"


async def test_who_is_thrown_out_repeatedly_waits_longer_and_says_once_that_there_are_two(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Mosquitto 2.0 does not tell why it ends a connection; that it does so again says it."""
    caplog.set_level(logging.INFO)
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        async with Link(settings(broker.port), clock) as link:
            rests = []
            for times in range(1, 9):
                await link.until_connected(times)
                broker.hang_up()
                rests.append(round(await link.until_lost(), 1))
                if times < 8:
                    await link.try_again()
                if 3 <= times < 8:
                    await link.until_watching()
                    await clock.advance(NOBODY_S[1])
        assert rests == [0.1, 0.3, 5, 10, 20, 40, 60, 60]
        ours = [hello.client_id for hello in broker.hellos if hello.client_id == CLIENT_ID]
        assert len(ours) == len(rests)
    assert [record.levelname for record in caplog.records] == [
        *2 * ["INFO", "WARNING"],
        *["INFO", "ERROR"],
    ]
    assert "probably another program uses the client id 'presence-bridge'" in caplog.text


async def test_when_the_other_program_has_gone_that_is_reported_and_the_next_loss_is_a_short_one(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
        Link(settings(broker.port), clock) as link,
    ):
        for times in range(1, 5):
            await link.until_connected(times)
            broker.dismiss(SESSION_TAKEN_OVER)
            await link.until_lost()
            await link.try_again()
            await link.until_watching()
            await clock.advance(NOBODY_S[1])
        await link.until_connected(5)
        (problem,) = link.broker.problems
        assert "another program" in problem
        await clock.advance(89)
        assert caplog.records[-1].levelname == "ERROR"
        await clock.advance(1)
        assert "connected to broker" in caplog.records[-1].getMessage()
        assert not link.broker.problems
        broker.dismiss(SESSION_TAKEN_OVER)
        assert await link.until_lost() == 5


async def test_a_broker_that_was_away_for_six_seconds_is_missed_for_one_more_at_the_most(
    clock: ManualClock,
) -> None:
    port = free_port()
    async with Link(settings(port), clock) as link:
        while clock.monotonic() < 6:
            await link.try_again()
        assert await link.until_resting() <= 1


async def test_a_connection_that_held_is_missed_for_a_moment_only(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    async with Link(settings(mosquitto.port), clock) as link:
        for times in range(1, 4):
            await link.until_connected(times)
            await clock.advance(3600)
            mosquitto.stop()
            await mosquitto.start()
            assert await link.try_again() == pytest.approx(0.1)


async def test_two_with_one_client_id_do_not_fight_every_second(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    """Mosquitto 2.0 ends the older session without telling why."""
    async with Link(settings(mosquitto.port), clock) as first:
        await first.until_connected()
        async with Link(settings(mosquitto.port), clock) as second:

            def one_has_it() -> bool:
                under_way = first.connecting or second.connecting
                return first.broker.connected != second.broker.connected and not under_way

            while clock.monotonic() < 600:
                await first.until(one_has_it)
                await first.try_again()
    assert 4 < mosquitto.log.count("already connected, closing old connection") < 100, (
        "600 is each second"
    )


SILENT: dict[str, tuple[bool, frozenset[int]]] = {
    "never answers": (False, frozenset()),
    "never lets subscribe": (True, frozenset()),
    "never acknowledges": (True, frozenset({SUBSCRIBE})),
}
silent = pytest.mark.parametrize("how", SILENT)


@silent
def test_a_broker_that_is_silent_is_given_up_and_retried(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    accepts, answers = SILENT[how]

    async def scenario() -> None:
        async with (
            strict(accepts=accepts, answers=answers) as broker,
            Link(settings(broker.port), ManualClock()) as link,
        ):
            for times in range(1, 4):
                await link.until_resting()
                assert not link.broker.connected
                assert broker.connections == times
                await until(lambda: broker.closed == broker.connections)
                if times < 3:
                    await link.try_again()

    run_hurried(scenario())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be reached" in caplog.text


@silent
def test_it_can_be_stopped_while_the_broker_is_silent(how: str) -> None:
    accepts, answers = SILENT[how]
    last = CONNECT if not accepts else PUBLISH if answers else SUBSCRIBE

    async def scenario() -> None:
        async with strict(accepts=accepts, answers=answers) as broker:
            async with Link(settings(broker.port), ManualClock()):
                await until(lambda: broker.count(last))
            await until(lambda: broker.closed == 1)

    run_hurried(scenario())


async def test_it_can_be_stopped_while_it_rests(clock: ManualClock, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    async with Link(settings(mosquitto.port), clock) as link:
        await link.until_resting()
    assert clock.sleepers == 0


def test_a_connection_that_breaks_while_it_subscribes_is_noticed_at_once() -> None:
    async def scenario() -> None:
        async with (
            strict(answers=frozenset()) as broker,
            Link(settings(broker.port), ManualClock()) as link,
        ):
            await until(lambda: broker.count(SUBSCRIBE))
            broker.hang_up()
            await link.until_resting()

    started = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - started < 5
