"""A kind of light with a device behind it that can be watched, unplugged and made to hang."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from bridge.contract.light import LightState
from drivers.base import Kind, Surroundings

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
