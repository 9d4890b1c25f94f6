"""Time as an argument, so that no test waits for a timer. Never reads anything but the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for waiting."""

    def now(self) -> datetime:
        """The time in UTC, with its offset."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never jumps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


def apart_words(ahead_s: float) -> str:
    """How far a clock is ahead of another: ``6 min ahead of``, ``2 h 5 min behind``."""
    hours, minutes = divmod(max(1, round(abs(ahead_s) / 60)), 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return f"{' '.join(parts)} {'ahead of' if ahead_s > 0 else 'behind'}"


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time in UTC, with its offset."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never jumps."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
