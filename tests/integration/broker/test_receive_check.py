"""Who is connected and hears nothing says so, and only then."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.broker.receive_check import ASK_AGAIN_S, PROOF_S
from bridge.broker.session import ProtocolVersion
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import FACT, STATE, Link, settings, until
from tests.integration.broker.test_refused_topics import PASSWORD, secured

SHIPPED = Path("mosquitto/acl").read_text(encoding="utf-8")
REQUESTS = "presence/bridge/request/+"
WRITES_ONLY = "user bridge\ntopic write #\nuser reader\ntopic readwrite #\n"
OTHERS_ONLY = "user bridge\ntopic write #\ntopic read presence/bridge/request/#\n"
DEAF = (
    f"connected, but receives nothing: check that user bridge may read {REQUESTS}, {STATE} "
    "(the broker's rules)"
)
DEAF_311 = DEAF.replace(" (the", f" and publish on {STATE} (the")
versions = pytest.mark.parametrize("version", ProtocolVersion)


def bridge_user(broker: Mosquitto) -> MqttSettings:
    return settings(broker.port, username="bridge", password=SecretStr(PASSWORD))


def link_to(own: MqttSettings, clock: ManualClock, version: ProtocolVersion) -> Link:
    link = Link(own, clock, version=version)
    link.broker.subscribe(REQUESTS, link.heard.append, commands=True)
    return link


@versions
async def test_who_may_only_write_says_within_five_seconds_that_it_receives_nothing(
    version: ProtocolVersion, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        running(tmp_path, extra=secured(tmp_path, acl=WRITES_ONLY)) as broker,
        link_to(bridge_user(broker), clock, version) as link,
    ):
        await link.until_connected()
        await clock.advance(PROOF_S)
        told = DEAF if version is ProtocolVersion.V5 else DEAF_311
        assert link.broker.problems == (told,)
        for times in (2, 3):
            link.drop()
            await link.until_lost()
            await link.try_again()
            await link.until_connected(times)
            await clock.advance(PROOF_S)
            assert link.broker.problems == (told,)
        rules = WRITES_ONLY.replace("topic write #", "topic readwrite #")
        (tmp_path / "acl").write_text(rules, encoding="utf-8")
        broker.reload()
        await until(lambda: "Reloading config" in broker.log)
        await clock.advance(ASK_AGAIN_S)
        await link.until(lambda: not link.broker.problems)
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if "receives" in r.getMessage()]
    assert lines == [("ERROR", told), ("INFO", f"connected, and receives {STATE} again")]


@versions
async def test_who_may_only_read_is_reported_as_that_and_not_called_deaf(
    version: ProtocolVersion, tmp_path: Path, clock: ManualClock
) -> None:
    acl = "user bridge\ntopic read #\n"
    async with (
        running(tmp_path, extra=secured(tmp_path, acl=acl)) as broker,
        link_to(bridge_user(broker), clock, version) as link,
    ):
        await link.until_connected()
        await clock.advance(PROOF_S)
        problems = link.broker.problems
        if version is ProtocolVersion.V5:
            assert [problem for problem in problems if f"publish on {STATE} (Not" in problem]
            assert not [problem for problem in problems if "receives" in problem]
        else:
            assert problems == (DEAF_311,)


async def test_where_its_own_word_is_too_large_nobody_waits_for_it(clock: ManualClock) -> None:
    async with strict() as broker:
        broker.announces = Announced(maximum_packet_size=40)
        async with Link(settings(broker.port), clock) as link:
            link.facts = []
            await link.until_connected()
            await clock.advance(PROOF_S)
            (problem,) = link.broker.problems
            assert f"publish on {STATE} (6 bytes, and it takes no packet of more" in problem


@versions
async def test_who_receives_is_silent_about_it_whatever_is_stored(
    version: ProtocolVersion, mosquitto: Mosquitto, clock: ManualClock
) -> None:
    async with subscriber(mosquitto.port, topic="nothing") as mqtt:
        await mqtt.publish(STATE, "offline", retain=True)
        async with link_to(settings(mosquitto.port), clock, version) as link:
            await link.until_connected()
            await until(lambda: clock.sleepers == 0)
            assert not link.broker.problems


@pytest.mark.parametrize(
    ("user", "state"),
    [
        ("bridge", STATE),
        ("desk", "presence/driver/desk/state"),
    ],
)
@versions
async def test_the_rules_that_were_shipped_let_everybody_prove_it(
    user: str, state: str, version: ProtocolVersion, tmp_path: Path, clock: ManualClock
) -> None:
    """A lamp of which ``init`` does not know has the rules of the last release."""
    async with running(tmp_path, extra=secured(tmp_path, acl=SHIPPED, users=(user,))) as broker:
        own = settings(broker.port, username=user, password=SecretStr(PASSWORD))
        async with Link(own, clock, state=state, version=version) as link:
            link.facts = []
            await link.until_connected()
            await until(lambda: clock.sleepers == 0)
            await clock.advance(PROOF_S)
            assert not link.broker.problems


async def test_who_receives_others_but_not_its_own_word_says_that_and_no_more(
    tmp_path: Path, clock: ManualClock
) -> None:
    acl = OTHERS_ONLY + "user reader\ntopic readwrite #\n"
    async with (
        running(tmp_path, extra=secured(tmp_path, acl=acl)) as broker,
        link_to(bridge_user(broker), clock, ProtocolVersion.V5) as link,
        subscriber(broker.port, username="reader", password=PASSWORD) as mqtt,
    ):
        await link.until_connected()
        await mqtt.publish("presence/bridge/request/poll", "{}")
        await link.until(lambda: link.heard)
        await clock.advance(PROOF_S)
        assert not link.broker.problems
        await clock.advance(PROOF_S)
        (problem,) = link.broker.problems
        assert problem.startswith("connected, but does not get its own messages: check that user")
        assert f"may read {STATE} (" in problem


async def test_a_broker_that_answers_late_is_heard_in_time(clock: ManualClock) -> None:
    """Its own word counts from when the broker has it."""
    async with strict() as broker:
        broker.delivers = False
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            await clock.advance(PROOF_S - 1)
            broker.publish(STATE, b"online")
            await until(lambda: clock.sleepers == 0)
            assert not link.broker.problems


async def test_what_is_stored_alone_is_no_proof(clock: ManualClock) -> None:
    async with strict() as broker:
        broker.stored[STATE] = Message(STATE, b"online")
        async with Link(settings(broker.port), clock) as link:
            link.facts = [FACT]
            await link.until_connected()
            await until(lambda: clock.sleepers == 0)
            broker.hang_up()
            await link.until_lost()
            broker.delivers = False
            await link.try_again()
            await link.until_connected(2)
            broker.publish(STATE, b"online", retain=True)
            await clock.advance(2 * PROOF_S)
            assert "does not get its own messages" in link.broker.problems[0]


async def test_a_subscription_that_was_refused_is_reported_once_as_that(clock: ManualClock) -> None:
    async with strict() as broker:
        broker.suback_code = 0x87
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            await clock.advance(PROOF_S)
            (problem,) = link.broker.problems
            assert f"subscribe to {STATE} (Not authorized)" in problem


async def test_a_program_that_ends_or_loses_its_connection_meanwhile_leaves_nothing(
    clock: ManualClock,
) -> None:
    async with strict() as broker:
        broker.delivers = False
        async with Link(settings(broker.port), clock) as link:
            await link.until_connected()
            await until(lambda: clock.sleepers == 1)
            broker.hang_up()
            await link.until_lost()
            await link.try_again()
            await link.until_connected(2)
    assert clock.sleepers == 0
