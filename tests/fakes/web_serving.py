"""Runs a page, or the guided set-up, until the end of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.web.access.password_file import Cost
from bridge.web.server import Web
from bridge.web.set_up.steps import SetUp

QUICK = Cost(n=2, p=1)
"""How the hash of a password is made is not what visitors are tested for."""


@asynccontextmanager
async def served(server: Web | SetUp) -> AsyncIterator[tuple[int, asyncio.Task[None]]]:
    """The port on which ``server`` listens, and the task that runs it."""
    running = asyncio.create_task(server.run(), name="served")
    try:
        async with asyncio.timeout(10):
            async for listening in server.listening.watch():
                if listening:
                    break
        yield listening or 0, running
    finally:
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
