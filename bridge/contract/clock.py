"""Time as an argument, so that no test waits for a timer."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for waiting."""

    def now(self) -> datetime:
        """The time in UTC, with its offset."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never jumps."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


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


async def sleep_unless(event: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Wait so long, but end as soon as ``event`` is set."""
    waiting = asyncio.create_task(event.wait(), name="event")
    sleeping = asyncio.create_task(clock.sleep(seconds), name="sleep")
    try:
        await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, sleeping):
            task.cancel()
        await asyncio.wait({waiting, sleeping})  # takes no cancellation of ours for theirs
