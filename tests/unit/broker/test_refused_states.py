from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.broker import Broker
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.memory_broker import MemoryBroker

STATE = "presence/bridge/state"
DISCOVERY = Message("homeassistant/device/x/config", b"{}")


@asynccontextmanager
async def connected(memory: MemoryBroker, clock: ManualClock) -> AsyncIterator[Broker]:
    broker = Broker(
        MqttSettings(),
        client_id="presence-bridge",
        state_topic=STATE,
        welcome=lambda: [DISCOVERY],
        clock=clock,
        connect=memory.connect,
    )
    running = asyncio.create_task(broker.run())
    await clock.settle()
    yield broker
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_refused_for_a_moment_is_there_as_soon_as_it_is_allowed() -> None:
    memory, clock = MemoryBroker(), ManualClock()
    memory.refused |= {STATE, DISCOVERY.topic}
    async with connected(memory, clock):
        await clock.advance(100)
        assert not memory.stored
        memory.refused.clear()
        await clock.advance(300)
        assert memory.text(STATE) == "online"
        assert DISCOVERY.topic in memory.stored


async def test_an_older_state_is_not_resent_over_a_newer_one() -> None:
    memory, clock = MemoryBroker(), ManualClock()
    memory.refused.add("presence/a")
    async with connected(memory, clock) as broker:
        broker.publish(Message("presence/a", b"old"))
        await clock.advance(0.5)
        memory.refused.clear()
        broker.publish(Message("presence/a", b"new"))
        await clock.advance(400)
    assert [m.payload for m in memory.heard if m.topic == "presence/a"] == [b"new"]


async def test_events_are_not_resent() -> None:
    memory, clock = MemoryBroker(), ManualClock()
    memory.refused.add("presence/event")
    async with connected(memory, clock) as broker:
        broker.publish(Message("presence/event", b"call_started", retain=False))
        await clock.advance(0.5)
        memory.refused.clear()
        await clock.advance(400)
    assert "presence/event" not in [m.topic for m in memory.heard]
