"""The clock that drivers of others are tested with, which here does not wait in vain."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from drivers.testing import clock as public
from drivers.testing.clock import START, TURNS

__all__ = ["START", "TURNS", "ManualClock"]

SOON_S = 1.0
"""Of real time: a timer that is so near may ring while tasks run."""


class ManualClock(public.ManualClock):
    """As it is, but thousands of tests need not turn a loop in which nothing can run."""

    def stall(self, seconds: float) -> None:
        """Let the process not run for so long: whoever sleeps wakes late."""
        self._move_to(self._monotonic + seconds)
        late = ((max(due, self._monotonic), order, woken) for due, order, woken in self._sleepers)
        self._sleepers = sorted(late, key=lambda sleeper: sleeper[:2])

    async def settle(self) -> None:
        """Let tasks that can run, run."""
        loop = asyncio.get_running_loop()
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if _nothing_can_run(loop):
                return


def _nothing_can_run(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether further turns of ``loop`` are in vain: no task can go on, and nothing will wake one.

    With a socket about, nobody can know.
    """
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return False
    inside = vars(loop)
    timers, threads = inside["_scheduled"], inside["_default_executor"]
    return (
        (threads is None or _idle(threads))  # looked at first: what they did last is made ready
        and not inside["_ready"]
        and not (timers and timers[0].when() < loop.time() + SOON_S)
        and len(inside["_selector"].get_map()) == 1  # the loop's own pipe
    )


def _idle(pool: ThreadPoolExecutor) -> bool:
    """Whether each thread of ``pool`` waits for work; a pool that is full cannot be judged."""
    inside = vars(pool)
    threads = len(inside["_threads"])
    idle: int = inside["_idle_semaphore"]._value
    return threads < inside["_max_workers"] and idle == threads
