"""The clocks of a world: one true time, and on each host a wall clock that may be wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning."""


class HostClock:
    """A ``Clock`` over the loop's time; ``step`` sets its wall time alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop  # workers ask for the time too
        self._offset_s = 0.0
        self.stepped: Callable[[], None] = lambda: None
        """Called at each step."""
        self.stepped_back_s = 0.0
        """Of all steps back together."""

    def now(self) -> datetime:
        """The wall time of this host, in UTC."""
        return START + timedelta(seconds=self.monotonic() + self._offset_s)

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    @property
    def offset_s(self) -> float:
        """How far it is from the true time."""
        return self._offset_s

    def step(self, seconds: float) -> None:
        """Set it forward or back."""
        self._offset_s += seconds
        self.stepped_back_s += max(0.0, -seconds)
        if seconds:
            self.stepped()

    def set_right(self) -> None:
        """As NTP does at last."""
        self.step(-self._offset_s)
