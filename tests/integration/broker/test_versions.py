"""Which version of MQTT is spoken with whom."""

from __future__ import annotations

import logging
import time

import pytest

from bridge.broker import visit
from bridge.broker.negotiation import AGAIN_S
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.strict_broker import CONNACK_311_OLD, StrictBroker, strict
from tests.fakes.strict_wire import V5, V311
from tests.integration.broker.conftest import (
    FACT,
    STATE,
    Link,
    run_hurried,
    settings,
    until,
)

FIVE = "unsupported in the layout of 5"
NOES: dict[str, bytes | None] = {
    "hangs up": b"",
    "resets": None,
    "return code of 3.1.1": CONNACK_311_OLD,
    "accepted in the layout of 3.1.1": bytes((0x20, 2, 0, 0)),
    "refused in the layout of 3.1.1": bytes((0x20, 2, 0, 5)),
    "no MQTT": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a packet that is never whole": bytes((0x20, 50, 0, 0)),
    FIVE: bytes((0x20, 3, 0, 0x84, 0)),
    "another packet": bytes((0xD0, 0)),
}


def levels(broker: StrictBroker) -> list[int]:
    return [hello.level for hello in broker.hellos]


@pytest.mark.parametrize("no", NOES)
async def test_who_speaks_no_5_is_asked_in_3_1_1_at_once_and_that_is_remembered(
    no: str, clock: ManualClock
) -> None:
    started = time.monotonic()
    async with strict() as broker:
        broker.levels, broker.answer_to_other_levels = {V311}, NOES[no]
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            assert levels(broker) == [V5, V311]
            assert link.broker.mqtt_version == "3.1.1"
            for times in (2, 3):
                broker.hang_up()
                await link.until_lost()
                await link.try_again()
                await link.until_connected(times)
            assert levels(broker) == [V5, V311, V311, V311]
            assert not link.broker.problems
    assert time.monotonic() - started < 5, "no deadline is waited for"


async def test_a_broker_that_was_upgraded_is_tried_with_5_after_a_while(
    clock: ManualClock,
) -> None:
    async with strict() as broker:
        broker.levels = {V311}
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            broker.levels = {V311, V5}
            await clock.advance(AGAIN_S)
            broker.hang_up()
            await link.until_lost()
            await link.try_again()
            await link.until_connected(2)
            assert link.broker.mqtt_version == "5.0"


@pytest.mark.parametrize("ever", [False, True])
async def test_a_proxy_whose_broker_is_down_changes_no_version(
    ever: bool,  # noqa: FBT001 - the case
    clock: ManualClock,
) -> None:
    async with strict() as broker:
        if not ever:
            broker.levels = set()
        async with Link(settings(broker.port), clock) as link:
            if ever:
                await link.until_connected()
                broker.levels = set()
                broker.hang_up()
                await link.until_lost()
            for _ in range(5):
                await link.try_again()
            await link.until_resting()
            broker.levels = {V311, V5}
            await link.try_again()
            await link.until_connected(1 + ever)
            assert link.broker.mqtt_version == "5.0"


async def test_a_broker_that_is_away_is_remembered_as_it_was(clock: ManualClock) -> None:
    async with strict() as broker:
        broker.levels = {V311}
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            broker.accepts = False
            broker.hang_up()
            await link.until_lost()
            await link.try_again()
            await until(lambda: len(broker.hellos) == 3)
            broker.accepts = True
            broker.hang_up()
            await link.until_resting()
            await link.try_again()
            await link.until_connected(2)
        assert levels(broker)[-1] == V311


def test_who_is_silent_on_5_is_asked_in_3_1_1_unless_5_has_worked() -> None:
    async def scenario() -> None:
        async with strict() as broker, Link(settings(broker.port), ManualClock()) as link:
            broker.accepts = False
            for _ in range(3):
                await link.try_again()
            await link.until_resting()
            asked = [V5, V311, V5, V311]
            assert levels(broker) == asked
            broker.accepts = True
            await link.try_again()
            await link.until_connected()
            broker.accepts = False
            broker.hang_up()
            await link.until_lost()
            for _ in range(2):
                await link.try_again()
            await link.until_resting()
            assert levels(broker) == [*asked, V5, V5, V5]

    run_hurried(scenario())


@pytest.mark.parametrize(("wish", "level"), [("5", V5), ("3.1.1", V311)])
async def test_a_version_that_was_chosen_is_the_only_one(
    wish: str, level: int, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker:
        broker.levels = {V5, V311} - {level}
        broker.answer_to_other_levels = b"" if level == V311 else NOES[FIVE]
        async with Link(settings(broker.port, protocol=wish), clock) as link:
            for _ in range(3):
                await link.try_again()
            await link.until_resting()
            broker.levels = {V5, V311}
            await link.try_again()
            await link.until_connected()
        assert {*levels(broker)} == {level}
    assert 'set protocol = "auto" in [mqtt]' in caplog.text


async def test_a_visit_speaks_3_1_1_too() -> None:
    async with strict() as broker:
        broker.levels, broker.stored = {V311}, {STATE: Message(STATE, b"online")}
        (heard,) = await visit(settings(broker.port), follow=[STATE], publish=[FACT])
        assert heard.payload == b"online"
        assert levels(broker) == [V5, V311]
        broker.levels = set()
        with pytest.raises(PresenceBridgeError, match="hung up instead of answering"):
            await visit(settings(broker.port), follow=[STATE])


async def test_refused_by_an_old_broker_is_reported_in_its_words(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with strict() as broker:
        broker.levels, broker.connack_code = {V311}, 4
        async with Link(settings(broker.port), clock) as link:
            assert await link.try_again() == 5
            await link.until_resting()
            assert levels(broker) == [V5, V311, V311]
    (record,) = caplog.records
    assert "does not accept the user name or password (anonymous)" in record.getMessage()
