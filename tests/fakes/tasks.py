"""Begins and ends tasks of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def during(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Do ``work`` until the end of the block, where one cancellation must be enough."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` until they are done.

    Once is not enough for one within ``asyncio.wait_for``, as aiomqtt: before 3.12 Python
    forgets the cancellation when what it waits for comes at the same moment.
    """
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)
