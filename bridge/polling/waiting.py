"""Waits that somebody, or a sleep of the machine, ends early. Never decides how long."""

from __future__ import annotations

import asyncio

from bridge.contract.clock import Clock

SOON_S = 0.01
"""Less than this is now."""
JUMP_S = 30.0
"""The wall clock ran this much ahead of the monotonic one: the machine slept."""


async def rest(seconds: float, wake: asyncio.Event, clock: Clock) -> None:
    """Wait, but end when woken, and after a sleep of the machine."""
    wall, monotonic = clock.now(), clock.monotonic()
    while not wake.is_set():
        passed = clock.monotonic() - monotonic
        slept = (clock.now() - wall).total_seconds() - passed > JUMP_S
        left = seconds - passed
        if slept or left < SOON_S:
            return
        await first_of(wake, min(left, JUMP_S), clock)


async def first_of(event: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Wait for ``event``, so long at the most."""
    waiting = asyncio.create_task(event.wait(), name="poller-event")
    resting = asyncio.create_task(clock.sleep(seconds), name="poller-rest")
    try:
        await asyncio.wait({waiting, resting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, resting):
            task.cancel()
        await asyncio.wait({waiting, resting})  # takes no cancellation of ours for theirs
