"""The service as a node of ``[standby]`` that waits, with a broker in memory and no Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.broker.takeover import NOBODY_S, SILENT_S, STORED_S
from bridge.config.tables.config import Config, StandbySettings
from bridge.contract.account import Way
from bridge.contract.errors import PersonMustActError
from bridge.service.service import Service
from tests.fakes.clock import ManualClock
from tests.fakes.memory_broker import MemoryBroker
from tests.integration.test_service import config, running
from tests.integration.test_service import until as eventually

STATE, HEALTH, LEADER = (f"presence/bridge/{leaf}" for leaf in ("state", "health", "leader"))
WAITER, SERVER = "presence-bridge-standby-b-00000000", "presence-bridge"
EPOCH = 9_000_000_000
"""Above what a node takes by its own clock."""
A_SERVES = {"node": "a", "epoch": EPOCH, "since": "2026-11-27T06:00:00+00:00"}


def node_b(folder: Path) -> Config:
    return config(folder, "alice").model_copy(update={"standby": StandbySettings(node="b")})


def broker_of_a() -> MemoryBroker:
    """Where a serves."""
    broker = MemoryBroker()
    broker.tell(STATE, "online")
    broker.tell(LEADER, A_SERVES)
    return broker


def clients(broker: MemoryBroker) -> list[str]:
    return [session.greeting.client_id for session in broker.sessions]


async def let_pass(clock: ManualClock, is_so: Callable[[], bool]) -> None:
    """Let time pass until ``is_so``; workers of the sign-in take some real time beside it."""
    async with asyncio.timeout(60):
        while not is_so():
            await clock.advance(STORED_S)
            await asyncio.sleep(0.01)


async def take_over(broker: MemoryBroker, clock: ManualClock) -> None:
    """The will of a, and all that comes after it."""
    broker.tell(STATE, "offline")
    await let_pass(clock, lambda: broker.text(STATE) == "online")


async def test_who_waits_publishes_nothing_and_has_nothing_done(tmp_path: Path) -> None:
    clock, broker = ManualClock(), broker_of_a()
    service = Service(node_b(tmp_path), connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(service, clock):
        await let_pass(clock, lambda: service.health().node == "a")
        assert clients(broker) == [WAITER]
        with pytest.raises(PersonMustActError, match=r"This node, b, waits\. Ask where a runs\."):
            service.poll(None)
        with pytest.raises(PersonMustActError, match="With a standby nobody is added on the page"):
            await service.add_person("bob", "Bob", Way.DEVICE_CODE)
        await clock.advance(SILENT_S / 2)
        assert clients(broker) == [WAITER]
    assert not broker.heard


async def test_who_takes_over_is_above_whoever_served_before(tmp_path: Path) -> None:
    clock, broker = ManualClock(), broker_of_a()
    service = Service(node_b(tmp_path), connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(service, clock):
        await let_pass(clock, lambda: service.health().node == "a")
        await take_over(broker, clock)
        assert clients(broker) == [SERVER]
        said = broker.json(LEADER)
        assert (said["node"], said["epoch"]) == ("b", EPOCH + 1)
        assert service.health().node == "b"
        with pytest.raises(PersonMustActError, match="With a standby nobody is added on the page"):
            await service.add_person("bob", "Bob", Way.DEVICE_CODE)


async def test_after_a_start_a_node_knows_by_its_folder_that_it_served_last(tmp_path: Path) -> None:
    clock, broker = ManualClock(), broker_of_a()
    twins = "another bridge is called 'a' too: give each its own [standby] node"
    node_a = node_b(tmp_path).model_copy(update={"standby": StandbySettings(node="a")})
    service = Service(node_a, connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(service, clock):
        await let_pass(clock, lambda: service.health().node == "a")
        broker.tell(HEALTH, {})
        await let_pass(clock, lambda: twins in (service.health().reason or ""))
        assert set(clients(broker)) == {f"{SERVER}-standby-a-00000000"}
        await take_over(broker, clock)
        assert twins not in (service.health().reason or "")
    first = len(broker.heard)
    anew = Service(node_a, connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(anew, clock):
        began_s = clock.monotonic()
        await let_pass(clock, lambda: any(m.topic == LEADER for m in broker.heard[first:]))
        assert clock.monotonic() - began_s < NOBODY_S[0]


async def test_a_pause_that_microsoft_asked_the_other_for_is_kept(tmp_path: Path) -> None:
    clock, broker = ManualClock(), broker_of_a()
    until = clock.now() + timedelta(minutes=10)
    broker.tell(HEALTH, {"throttled_until": until.isoformat()})
    service = Service(node_b(tmp_path), connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(service, clock):
        await let_pass(clock, lambda: service.health().node == "a")
        assert service.health().throttled_until is None
        await take_over(broker, clock)
        saved = tmp_path / "pauses.json"
        await eventually(
            lambda: saved.exists() and until.isoformat() in saved.read_text(encoding="utf-8")
        )


async def test_who_waits_reconnects_where_its_connection_ends_at_its_very_beginning(
    tmp_path: Path,
) -> None:
    clock, broker = ManualClock(), broker_of_a()
    service = Service(node_b(tmp_path), connect=broker.connect, clock=clock, random=lambda: 0.0)
    async with running(service, clock):
        await eventually(lambda: bool(broker.sessions))
        first = broker.sessions[0]
        await eventually(lambda: LEADER in first.filters)
        broker.lose(first)
        await clock.settle()
        lost_s = clock.monotonic()
        await let_pass(clock, lambda: clients(broker) == [WAITER])
        assert clock.monotonic() - lost_s < SILENT_S / 2
