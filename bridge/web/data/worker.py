"""One thread at a time for what takes long where there are very many people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """The loop goes on while it works; what others ask for waits."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns; it may touch frozen values only."""
        async with self._one:
            return await asyncio.to_thread(work)
