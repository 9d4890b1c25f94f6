"""Shows that a lamp's process lives: to systemd, and to the health check of a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from os import environ as _environ
from pathlib import Path

from bridge.config import state_dir
from bridge.contract.clock import Clock
from bridge.contract.supervised import supervised


def heartbeat_of(name: str) -> str:
    """The file of the lamp ``name`` in the state folder, in which lamps may share a room."""
    return f"lights/{name}.heartbeat"


@asynccontextmanager
async def beating(
    name: str, folder: Path, clock: Clock, *, environ: Mapping[str, str] = _environ
) -> AsyncIterator[None]:
    """Show it while the block runs."""
    beat = partial(state_dir.beat, folder, clock, name=heartbeat_of(name), environ=environ)
    task = asyncio.create_task(supervised(beat, name=f"{name} heartbeat", clock=clock))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})  # takes no cancellation of ours for its own
