"""Notices that the machine slept, so that presence is read at once when it wakes up."""

from __future__ import annotations

import asyncio

from bridge.contract.clock import Clock, sleep_unless

SOON_S = 0.01
"""Less than this is now."""
JUMP_S = 30.0
"""The wall clock ran this much ahead of the monotonic one: the machine slept."""


async def sleep_until_woken(seconds: float, wake: asyncio.Event, clock: Clock) -> None:
    """Wait, but end when ``wake`` is set, and after a sleep of the machine."""
    wall, monotonic = clock.now(), clock.monotonic()
    while not wake.is_set():
        passed = clock.monotonic() - monotonic
        slept = (clock.now() - wall).total_seconds() - passed > JUMP_S
        left = seconds - passed
        if slept or left < SOON_S:
            return
        await sleep_unless(wake, min(left, JUMP_S), clock)
