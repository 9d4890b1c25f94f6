"""What a broker says when it refuses or ends a connection, as people read it."""

from __future__ import annotations

import logging

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import Announced
from tests.integration.broker.conftest import Link, settings

REFUSED = [
    0x80,
    0x81,
    0x82,
    0x83,
    *range(0x85, 0x8B),
    0x8C,
    0x90,
    0x95,
    0x97,
    *range(0x9A, 0x9E),
    0x9F,
]
ENDED = [0x80, 0x83, 0x87, 0x89, 0x8B, 0x8D, *range(0x93, 0xA3)]
"""Without what an honest broker says only of a client that breaks the rules."""


def person(text: str) -> bool:
    return any(
        word in text
        for word in ("who runs", "in [mqtt]", "please report", "own log", "nothing has", "network")
    )


@pytest.mark.parametrize("code", REFUSED)
async def test_why_a_connection_was_refused_is_one_sentence(
    code: int, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with strict() as broker:
        broker.connack_code = code
        broker.announces = Announced(reason="so\nsays \x1b[31mthe broker")
        async with Link(settings(broker.port), clock) as link:
            for _ in range(4):
                await link.try_again()
            await link.until_resting()
            (problem,) = link.broker.problems[:1]
    (line,) = [r.getMessage() for r in caplog.records if "keeps nothing" not in r.getMessage()]
    assert line.startswith(problem)
    assert f"broker 127.0.0.1:{broker.port} " in line
    assert "; it says: so says [31mthe broker)" in line
    assert person(line)


@pytest.mark.parametrize("code", ENDED)
async def test_why_a_connection_was_ended_is_one_sentence(
    code: int, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        await link.until_connected()
        broker.dismiss(code, Announced(server_reference="new.example:8883"))
        await link.until_lost()
        (problem,) = link.broker.problems[:1]
        connections = broker.connections
        await link.try_again()
        await link.until_connected(2)
        assert broker.connections == connections + 1, "at the same address"
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("broker")][:1]
    assert line.startswith(problem)
    assert person(line)
    assert ("new.example:8883" in line) is (code in {0x9C, 0x9D})


async def test_a_quota_that_ends_each_connection_is_no_fight_of_two_programs_and_reported_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker, Link(settings(broker.port), clock) as link:
        waits = []
        for times in range(1, 6):
            await link.until_connected(times)
            broker.dismiss(0x97)
            waits.append(await link.until_lost())
            await link.try_again()
    assert waits == [5, 10, 20, 40, 60]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "says that a quota is used up (0x97): who runs it must raise it" in line


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, 'if it speaks no MQTT 3.1.1, set protocol = "auto" in [mqtt]'),
        (2, "does not accept the client id ('presence-bridge'): choose how it begins with"),
        (3, "is not available (0x88): if it stays so, who runs it must look"),
        (4, "does not accept the user name or password (anonymous): check username"),
        (5, "does not let this user in (anonymous): check username"),
    ],
)
async def test_return_codes_of_3_1_1_are_sentences_too(
    code: int, said: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker:
        broker.connack_code = code
        async with Link(settings(broker.port, protocol="3.1.1"), clock) as link:
            for _ in range(3):
                await link.try_again()
            await link.until_resting()
    (line,) = [record.getMessage() for record in caplog.records]
    assert said in line
