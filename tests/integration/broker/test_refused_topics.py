"""What a broker does not allow, and who is told."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.broker.takeover import NOBODY_S
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from bridge.setup.passwords import hashed
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import PUBLISH, SUBSCRIBE
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    CONFIG,
    FACT,
    SESSION_TAKEN_OVER,
    STATE,
    Link,
    settings,
)

PASSWORD = "a long and random one"
NOT_AUTHORIZED, UNSPECIFIED = 0x87, 0x80
FORBIDDEN = Message("office/door/state", b"open")
ACL = """
user bridge
topic readwrite presence/#
topic readwrite homeassistant/#
user reader
topic read #
"""


def secured(folder: Path, *, acl: str = ACL, users: tuple[str, ...] = ("bridge", "reader")) -> str:
    """Lines for a broker with ``users`` and access rules."""
    passwords, rules = folder / "passwords", folder / "acl"
    passwords.write_text(
        "".join(f"{user}:{hashed(PASSWORD, b'salt-salt-12')}\n" for user in users),
        encoding="utf-8",
    )
    rules.write_text(acl, encoding="utf-8")
    return f"allow_anonymous false\npassword_file {passwords}\nacl_file {rules}"


def bridge_user(broker: Mosquitto, password: str = PASSWORD) -> MqttSettings:
    return settings(broker.port, username="bridge", password=SecretStr(password))


async def test_a_wrong_password_is_reported_in_one_line_and_retried_slowly(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, extra=secured(tmp_path)) as broker:
        async with Link(bridge_user(broker, "hunter2"), clock) as link:
            assert [await link.try_again() for _ in range(4)] == [5, 30, 300, 300]
            await link.until_resting()
        assert broker.log.count("(0, 135)") == 5
    (line,) = caplog.records
    assert line.levelname == "ERROR"
    assert "does not let this user in (bridge): check username" in line.getMessage()
    assert "hunter2" not in caplog.text


async def test_when_the_password_is_right_at_last_it_connects_and_says_so(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, extra=secured(tmp_path)) as broker:
        right = (tmp_path / "passwords").read_text(encoding="utf-8")
        (tmp_path / "passwords").write_text(right.replace("bridge:", "nobody:"), encoding="utf-8")
        broker.stop()
        await broker.start()
        async with Link(bridge_user(broker), clock) as link:
            await link.until_resting()
            (tmp_path / "passwords").write_text(right, encoding="utf-8")
            broker.stop()
            await broker.start()
            await link.try_again()
            await link.until_connected()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_a_refused_topic_is_reported_once_and_all_else_goes_on(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running(tmp_path, extra=secured(tmp_path)) as broker,
        Link(bridge_user(broker), clock) as link,
    ):
        link.facts.insert(0, FORBIDDEN)
        await link.until_connected()
        for payload in (b"1", b"2"):
            link.broker.publish(Message(FORBIDDEN.topic, payload))
        broker.stop()
        await broker.start()
        await link.try_again()
        await link.until_connected(times=2)
        async with subscriber(broker.port, username="reader", password=PASSWORD) as mqtt:
            await mqtt.until_text(STATE, "online")
            assert {CONFIG.topic, FACT.topic, STATE} == set(mqtt.last)
    refused = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(refused) == 1
    assert "not let user bridge publish on office/door/state (Not authorized)" in refused[0]


async def test_a_refused_subscription_is_reported_once_and_all_else_goes_on(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        broker.suback_code = NOT_AUTHORIZED
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            broker.hang_up()
            await link.until_lost()
            await link.try_again()
            await link.until_connected(times=2)
    (refused,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert f"not let user anonymous subscribe to {STATE} (Not authorized): check" in refused


async def test_a_refused_subscription_is_retried_and_its_success_reported(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As a cluster refuses while it settles, which is no matter of access rules."""
    caplog.set_level(logging.INFO)
    async with (
        strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
        Link(settings(broker.port), clock) as link,
    ):
        broker.suback_code = UNSPECIFIED
        await link.until_connected()
        waits = []
        for asked in range(2, 7):
            waits.append(await link.try_again())
            await link.until(partial(broker.has, SUBSCRIBE, times=asked))
            await clock.settle()
        assert waits == [1, 5, 30, 300, 300]
        (problem,) = link.broker.problems
        assert f"subscribe to {STATE} (Unspecified error): check its access rules" in problem
        broker.suback_code = 1
        await link.try_again()
        await link.until(lambda: not link.broker.problems)
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["WARNING", "INFO", "ERROR", "INFO"]
    assert "access rules" not in told[0][1]
    assert f"lets user anonymous subscribe to {STATE} again" in told[3][1]


async def test_rules_that_forbid_much_are_reported_in_few_lines(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running(tmp_path, extra=secured(tmp_path)) as broker,
        Link(bridge_user(broker), clock) as link,
    ):
        await link.until_connected()
        for number in range(500):
            link.broker.publish(Message(f"office/{number}", b"1"))
        await link.until(lambda: link.broker.waiting == 0)
        await link.until(lambda: len(link.broker.problems) == 6)
        await link.until(lambda: "495 more topics" in link.broker.problems[-1])
    assert len(caplog.records) == 6


async def test_a_topic_that_is_allowed_at_last_is_reported_once(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running(tmp_path, extra=secured(tmp_path)) as broker,
        Link(bridge_user(broker), clock) as link,
    ):
        link.facts.insert(0, FORBIDDEN)
        await link.until_connected()
        (problem,) = link.broker.problems
        assert FORBIDDEN.topic in problem
        rules = ACL.replace("user reader", "topic readwrite office/#\nuser reader")
        (tmp_path / "acl").write_text(rules, encoding="utf-8")
        broker.stop()
        await broker.start()
        caplog.set_level(logging.INFO)
        caplog.clear()
        await link.until_lost()
        await link.try_again()
        await link.until_connected(times=2)
        assert not link.broker.problems
    told = [record.getMessage() for record in caplog.records]
    assert told.count("the broker lets user bridge publish on office/door/state again") == 1


async def test_another_program_with_the_same_client_id_is_named_once_and_not_fought(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As Mosquitto 2.1 tells it, with a DISCONNECT."""
    async with (
        strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker,
        Link(settings(broker.port), clock) as link,
    ):
        rests = []
        for times in range(1, 6):
            await link.until_connected(times)
            broker.dismiss(SESSION_TAKEN_OVER)
            rests.append(await link.until_lost())
            await link.try_again()
            await link.until_watching()
            await clock.advance(NOBODY_S[1])
    assert rests == [5, 10, 20, 40, 60]
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "another program uses the client id 'presence-bridge': two bridges" in told
