"""A kind of light with a device behind it that can be watched, unplugged and made to hang.

Beside it its lamp as the runner has it, and waiting for what a device does.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings
from drivers.rules import Shown
from drivers.runtime.lamp import Lamp
from drivers.testing.clock import ManualClock

SOON_S = 30.0
"""Real seconds: what needs longer hangs."""
HANG_MOST_S = 90.0
"""Whoever hangs is let go after this time even if a test forgets it."""


class Gate:
    """Where a device hangs while it is shut; ``reached`` once it does."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self._open, self._then = threading.Event(), then
        self._open.set()
        self.reached = False

    def shut(self) -> None:
        """Let the device hang from now on."""
        self.reached = False
        self._open.clear()

    def open(self) -> None:
        """Let the device go on, and call ``then``."""
        if self.is_shut:
            self._open.set()
            self._then()

    @property
    def is_shut(self) -> bool:
        """Whether the device hangs."""
        return not self._open.is_set()

    def wait(self, *, all_of_them: bool = False) -> None:
        """Hang; only the first one does, so that a second thread would overtake it. Blocks."""
        if self.is_shut and (all_of_them or not self.reached):
            self.reached = True
            self._open.wait(HANG_MOST_S)


class Rig(ABC):
    """One kind of light, ready to be opened with ``options``, and its device."""

    kind: Kind[Any]
    options: BaseModel
    gate: Gate | None = None
    """Shut, the device takes its time; ``None`` where nobody ever waits for the device."""
    restores = False
    """The device can be read, so it is left as it was found."""
    can_be_away = True
    """Power, or the connection, can be taken from the device."""
    patience_s = 0.2
    """A call that takes longer hangs, in real seconds; more where a healthy one takes its time."""
    stays_lit = True
    """It can keep its look without the driver."""

    @abstractmethod
    def shows(self, state: LightState) -> bool:
        """Whether the device shows the colour and brightness of ``state`` now."""

    @property
    @abstractmethod
    def looks(self) -> int:
        """How many looks the device was told, repetitions left out."""

    @abstractmethod
    async def plug(self) -> None:
        """Give the device power."""

    @abstractmethod
    async def unplug(self) -> None:
        """Take the power, or the connection, away."""

    def as_found(self) -> bool:
        """Whether the device is as it was before anybody wrote to it; where it ``restores``."""
        raise NotImplementedError

    @asynccontextmanager
    async def running(self, around: Surroundings) -> AsyncIterator[None]:  # noqa: ARG002 - for others
        """Power for the device until the end of the block."""
        await self.plug()
        try:
            yield
        finally:
            if self.gate:
                self.gate.open()
            await self.unplug()


class Desk:
    """The lamp of a rig, as the runner has it."""

    def __init__(self, rig: Rig, light: Light, kind: Kind[Any], clock: ManualClock) -> None:
        self.target: Latest[Shown] = Latest(None)
        self.reachable: list[bool] = []
        self._clock, self._rig = clock, rig
        self.lamp = Lamp(
            light,
            kind,
            name="desk",
            target=self.target,
            clock=clock,
            reachable=self.reachable.append,
            random=lambda: 1.0,
        )
        self.running = asyncio.create_task(self.lamp.run())

    async def stop(self) -> None:
        """End the lamp's task; the light stays as it is."""
        self.running.cancel()
        await asyncio.wait({self.running})

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait for ``fact`` while time passes quickly."""
        async with asyncio.timeout(SOON_S):
            while not fact():
                await self._clock.advance(0.1)
                await asyncio.sleep(0.005)

    async def until_shown(self, state: LightState) -> None:
        """Wait until the device shows ``state`` and the lamp has noticed."""
        await self.until(lambda: self._rig.shows(state) and self.reachable[-1:] == [True])


@asynccontextmanager
async def desk(rig: Rig, around: Surroundings, *, deadline_s: float = 0.0) -> AsyncIterator[Desk]:
    """The lamp, until the end of the block."""
    assert isinstance(around.clock, ManualClock)
    kind = replace(rig.kind, deadline_s=deadline_s or rig.kind.deadline_s)
    async with kind.open(rig.options, around) as light:
        built = Desk(rig, light, kind, around.clock)
        try:
            yield built
        finally:
            await built.stop()


async def passing(work: Any, clock: ManualClock) -> None:
    """Run ``work`` while time passes quickly."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(SOON_S):
        while not task.done():
            await clock.advance(0.1)
            await asyncio.wait({task}, timeout=0.005)
    await task


async def shown(rig: Rig, state: LightState) -> None:
    """Wait until what went out has arrived."""
    async with asyncio.timeout(SOON_S):
        while not rig.shows(state):  # noqa: ASYNC110 - devices of all sorts; none wakes us
            await asyncio.sleep(0.002)


@contextmanager
def hanging(rig: Rig) -> Iterator[None]:
    """The device takes what it is told only after the block, where anybody waits for it."""
    if rig.gate:
        rig.gate.shut()
    yield
    if rig.gate:
        rig.gate.open()


async def begun(rig: Rig) -> None:
    """Wait until the first write is on its way."""
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON_S):
        while rig.gate and not rig.gate.reached:  # noqa: ASYNC110 - reached in a thread
            await asyncio.sleep(0.002)
