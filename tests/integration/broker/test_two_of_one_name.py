"""Two programs with one client id: one serves, the other waits beside it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.broker.dispute import GOOD_S
from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import ConnectionFailedError, Limits, ProtocolVersion
from bridge.broker.takeover import GONE_S, NOBODY_S, SILENT_S
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    CLIENT_ID,
    SESSION_TAKEN_OVER,
    STATE,
    Link,
    settings,
)

V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311


@asynccontextmanager
async def one_serves(port: int, version: ProtocolVersion = V5) -> AsyncIterator[tuple[Link, Link]]:
    """Who serves, and who was thrown out so often that it waits beside; as under Mosquitto 2.0."""
    ours = settings(port)
    loser = Link(ours, ManualClock(), version=version, random=0.0)
    winner = Link(ours, ManualClock(), version=version, random=0.5)
    async with loser:
        await loser.until_connected()
        async with winner:
            for times in range(1, 4):
                await winner.until_connected(times)
                await loser.until_lost()
                if times < 3:
                    await loser.try_again()
                    await loser.until_connected(times + 1)
                    await winner.until_lost()
                    await winner.try_again()
            await loser.try_again()
            await loser.until_watching(SILENT_S)
            yield winner, loser


@pytest.mark.parametrize("version", [V5, V311])
async def test_one_of_them_serves_and_the_fight_is_over(
    mosquitto: Mosquitto, version: ProtocolVersion, caplog: pytest.LogCaptureFixture
) -> None:
    async with one_serves(mosquitto.port, version) as (winner, loser):
        await winner.clock.advance(GOOD_S)
        await loser.clock.advance(SILENT_S - 1)
        assert winner.broker.connects == loser.broker.connects == 3
        assert winner.broker.connected
        assert not winner.broker.problems
        assert "another program uses the client id 'presence-bridge'" in loser.broker.dispute
        assert loser.broker.dispute in loser.broker.problems
        assert f"as {CLIENT_ID}-standby-00000000" in mosquitto.log
    assert "this one comes back when nobody else serves" in caplog.text


async def test_who_waits_stays_while_the_other_says_that_it_is_there(mosquitto: Mosquitto) -> None:
    async with one_serves(mosquitto.port) as (winner, loser):
        for _ in range(3):
            await loser.clock.advance(SILENT_S - 60)
            winner.broker.publish(Message(STATE, b"online"))
            await loser.until_watching(SILENT_S)
        assert not loser.broker.connected


async def test_who_waits_serves_soon_after_the_other_has_stopped(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with one_serves(mosquitto.port) as (winner, loser):
        loser.broker.publish(Message("presence/account/alice/event", b"{}", retain=False))
        assert not loser.broker.waiting, "the one that serves has said it"
        winner.broker.publish(Message(STATE, b"online"))
        await winner.stop()
        await loser.until_watching(GONE_S[0])
        await loser.clock.advance(GONE_S[0])
        await loser.until_connected(4)
        async with subscriber(mosquitto.port) as mqtt:
            await mqtt.until_text(STATE, "online")
        assert not loser.broker.problems
        async with Link(settings(mosquitto.port), ManualClock()) as third:
            await third.until_connected()
            await loser.until_lost()
    said = [text for text in caplog.messages if not text.startswith("connected to")][-3:]
    disputed, free, anew = said
    assert free == "nobody else serves as presence-bridge any more; connecting"
    assert "another program uses the client id" in disputed
    assert anew == disputed, "another dispute is logged too"


async def test_who_waits_serves_soon_after_the_other_was_killed(mosquitto: Mosquitto) -> None:
    """Under 3.1.1, where the broker sends a will at once."""
    async with one_serves(mosquitto.port, V311) as (winner, loser):
        winner.drop()
        await winner.until_lost()
        await loser.until_watching(NOBODY_S[0])
        await loser.clock.advance(NOBODY_S[0])
        await loser.until_connected(4)


async def test_who_waits_is_there_when_nothing_is_heard_of_the_other_and_no_will_came(
    mosquitto: Mosquitto,
) -> None:
    async with one_serves(mosquitto.port) as (_, loser):
        await loser.clock.advance(SILENT_S)
        await loser.until_connected(4)


async def test_a_stop_while_it_waits_leaves_the_other_online(mosquitto: Mosquitto) -> None:
    async with one_serves(mosquitto.port) as (winner, loser):
        await loser.stop()
        async with subscriber(mosquitto.port) as mqtt:
            await mqtt.until_text(STATE, "online")
        assert winner.broker.connected
        assert winner.broker.connects == 3


async def test_a_broker_that_is_gone_meanwhile_is_called_so_and_it_waits_on(
    mosquitto: Mosquitto,
) -> None:
    async with one_serves(mosquitto.port) as (winner, loser):
        await winner.clock.advance(GOOD_S)
        mosquitto.stop()
        await winner.until_lost()
        await loser.until(lambda: "cannot be reached" in loser.broker.problems[-1])
        assert not loser.broker.dispute
        await mosquitto.start()
        await winner.try_again()
        await winner.until_connected(4)
        await loser.try_again()
        await loser.until_watching(SILENT_S)
        assert loser.broker.problems == (loser.broker.dispute,)
        assert loser.broker.connects == 3


async def test_a_broker_that_calls_both_by_one_name_is_not_asked_for_long() -> None:
    """Who looks would throw out who serves."""
    async with strict() as broker, Link(settings(broker.port), ManualClock()) as link:
        await link.until_connected()
        broker.announces = Announced(client_id="user-7")
        broker.dismiss(SESSION_TAKEN_OVER)
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)


async def test_a_broker_that_lets_nobody_look_is_asked_under_our_own_id_alone() -> None:
    async with strict() as broker, Link(settings(broker.port), ManualClock()) as link:
        await link.until_connected()
        broker.suback_code = 0x87
        broker.dismiss(SESSION_TAKEN_OVER)
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)


async def test_a_broker_that_does_so_and_does_not_say_it_is_found_out_by_what_it_ends(
    clock: ManualClock,
) -> None:
    """As Mosquitto with ``use_username_as_clientid``."""
    reconnecting = Reconnecting(settings(1), CLIENT_ID, clock=clock, random=lambda: 1.0)
    reconnecting.accepted(Limits())
    reconnecting.online()
    reconnecting.ended(ConnectionFailedError("taken", code=SESSION_TAKEN_OVER))
    for looks in range(1, 4):
        assert reconnecting.dispute.thrown_out, looks
        reconnecting.greeting_beside()
        assert reconnecting.accepted_beside(Limits())
        reconnecting.ended(ConnectionFailedError("the connection ended"))
    assert not reconnecting.dispute.thrown_out
    reconnecting.online()
    reconnecting.ended(ConnectionFailedError("taken", code=SESSION_TAKEN_OVER))
    assert not reconnecting.dispute.thrown_out, "it is remembered"
