"""A deadline that also works while a task cleans up after its own cancellation.

There ``asyncio.timeout`` of Python before 3.11.3, which Debian 12 has, lets the cancellation
through instead of raising ``TimeoutError`` (python/cpython#102780).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns; it is cancelled, and ``TimeoutError`` raised, when it takes longer."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        failed = None if task.cancelled() else task.exception()
    if task.cancelled():
        raise TimeoutError
    if failed is not None:
        raise failed
    return task.result()


async def came(event: asyncio.Event, within_s: float) -> bool:
    """Whether ``event`` was set in time, also where this process could not run for longer."""
    try:
        # not wait_for: in Python 3.11 it loses a cancellation that meets the event
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
