"""A clock that moves only when a test says so. Never waits for real time, save with a deadline."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning."""

TURNS = 40
"""Turns of the event loop given to whoever was woken: enough for long chains of awaits."""


class ManualClock:
    """A ``bridge.contract.clock.Clock`` whose time is moved by ``advance``.

    What waits on sockets or threads does not run within ``advance`` alone: such a test waits with
    ``until_asleep`` until the code under test sleeps again.
    """

    def __init__(self, start: datetime = START) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._somebody_slept = asyncio.Event()

    def now(self) -> datetime:
        """The wall time in UTC."""
        return self._wall

    def monotonic(self) -> float:
        """Seconds that ``advance`` has moved since the clock was made."""
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """How many sleep now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    @property
    def next_wake_s(self) -> float | None:
        """Seconds until the first sleeper wakes; ``None`` when nobody sleeps."""
        due = [due for due, _, woken in self._sleepers if not woken.done()]
        return min(due) - self._monotonic if due else None

    async def sleep(self, seconds: float) -> None:
        """Wait until ``advance`` has moved the clock by ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        self._somebody_slept.set()
        self._somebody_slept = asyncio.Event()
        await woken

    async def advance(self, seconds: float) -> None:
        """Move both times on; wake each sleeper at its own moment, and let it run, in order."""
        until = self._monotonic + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._move_to(due)
            woken.set_result(None)
            await self.settle()
        self._move_to(until)
        await self.settle()

    def jump_wall(self, seconds: float) -> None:
        """Step the wall time alone, as NTP or a person does. Sleepers do not notice."""
        self._wall += timedelta(seconds=seconds)

    async def settle(self) -> None:
        """Let tasks that can run, run."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def until_asleep(self, sleepers: int = 1, *, deadline_s: float = 30) -> None:
        """Wait until at least ``sleepers`` sleep; for code that uses sockets or threads.

        Raises:
            TimeoutError: They did not within ``deadline_s`` seconds of real time.
        """
        async with asyncio.timeout(deadline_s):
            while self.sleepers < sleepers:
                await self._somebody_slept.wait()

    def _move_to(self, monotonic: float) -> None:
        self._wall += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic
