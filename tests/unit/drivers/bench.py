"""A whole runner between a broker in memory and a fake light, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.broker.session import ProtocolVersion
from bridge.config.tables.base import Settings
from bridge.config.tables.shared import HostConfig
from bridge.contract.light import Effect
from drivers.base import Kind, Light, Surroundings
from drivers.runtime.runner import Runner
from drivers.settings import Common, LampConfig
from tests.fakes.clock import START, ManualClock
from tests.fakes.light import FakeLight, ReadableFakeLight
from tests.fakes.memory_broker import MemoryBroker

LIGHT = "presence/driver/desk/light"


class AtOnce(ThreadPoolExecutor):
    """Threads whose work is done before anybody looks: the clock of a test does not wait."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a thread would
            done.set_exception(error)
        return done


class Bench:
    """One lamp called desk that follows Alice, and what is around it."""

    def __init__(
        self,
        folder: Path,
        broker: MemoryBroker | None = None,
        light: FakeLight | None = None,
        start: datetime = START,
        *,
        effects: bool = False,
        kind_name: str = "fake",
        color_mode: str = "rgb",
        zone: str | None = None,
        name: str = "desk",
        base: str = "presence",
        homeassistant: dict[str, Any] | None = None,
        **common: Any,
    ) -> None:
        self.broker = broker or MemoryBroker()
        self.clock = ManualClock(start)
        self.light: FakeLight = light or ReadableFakeLight(self.clock)
        self.light.clock = self.clock
        self.folder = folder
        self.kind = Kind(
            name=kind_name,
            options=Settings,
            open=self._open,
            effects=frozenset(Effect) if effects else frozenset({Effect.SOLID}),
            min_interval_s=0.05,
            color_modes=frozenset({color_mode}),
        )
        common = {"kind": "fake", "follow": ["alice"], **common}
        config = HostConfig.model_validate(
            {
                "state_dir": folder,
                "mqtt": {"base_topic": base},
                "homeassistant": homeassistant or {},
                "drivers": {name: {"kind": "fake"}},
                "time_zone": zone,
            }
        )
        self.runner = Runner(
            LampConfig(name, config, Common.model_validate(common), self.kind, Settings()),
            clock=self.clock,
            connect=self.broker.connect,
            random=lambda: 0.5,
        )

    @asynccontextmanager
    async def _open(self, _options: Settings, _around: Surroundings) -> AsyncIterator[Light]:
        yield self.light

    def start(self) -> asyncio.Task[None]:
        asyncio.get_running_loop().set_default_executor(AtOnce())
        return asyncio.create_task(self.runner.run())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From the start to a clean stop."""
        task = self.start()
        await self.clock.advance(0.1)
        try:
            yield
        finally:
            task.cancel()
            async with asyncio.timeout(10):
                while not task.done():
                    await self.clock.advance(0.1)
                    await asyncio.wait({task}, timeout=0.005)
            if not task.cancelled():
                task.result()

    async def kill(self) -> None:
        """As by SIGKILL: no goodbye, and the light stays as it is."""
        for session in list(self.broker.sessions):
            self.broker.lose(session)

    def bridge(self, online: str = "online") -> None:
        self.broker.tell("presence/bridge/state", online)

    def person(self, presence: str = "busy/in_a_call", account: str = "alice", **more: Any) -> None:
        """The bridge tells of somebody."""
        self.bridge()
        topic = f"presence/account/{account}"
        self.broker.tell(f"{topic}/sign_in", "signed_in")
        self.broker.tell(f"{topic}/availability", "online")
        self.state(presence, account, **more)

    def state(
        self,
        presence: str,
        account: str = "alice",
        *,
        at_s: float = 0.0,
        retain: bool = True,
        **more: Any,
    ) -> None:
        availability, _, activity = presence.partition("/")
        polled_at = self.clock.now() + timedelta(seconds=at_s)
        values = {
            **dict.fromkeys(("busy", "in_call", "in_meeting", "out_of_office", "status_message")),
            "availability": availability,
            "activity": activity or availability,
            "changed_at": polled_at.isoformat(),
            "polled_at": polled_at.isoformat(),
            "valid_until": (self.clock.now() + timedelta(hours=9)).isoformat(),
            **more,
        }
        self.broker.tell(f"presence/account/{account}/state", values, retain=retain)

    def command(self, payload: Any, *, retain: bool = False) -> None:
        self.broker.tell(f"{LIGHT}/set", payload, retain=retain)

    @property
    def rule(self) -> str:
        return str(self.broker.json(f"{LIGHT}/rule")["rule"])


def old_broker() -> MemoryBroker:
    """One that speaks 3.1.1 only."""
    return MemoryBroker(ProtocolVersion.V311)
