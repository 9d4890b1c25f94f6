"""A one-value slot where the newest wins. A slow watcher misses what was in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from bridge.contract.clock import Clock, sleep_unless

T = TypeVar("T")


class Latest(Generic[T]):
    """One value; each watcher first sees the current one, then every newest one."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._version = 0
        self._changed: asyncio.Event = asyncio.Event()

    @property
    def value(self) -> T:
        """The newest value."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value and wake every watcher, also when it is equal to the old one."""
        self._value = value
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def version(self) -> int:
        """Grows with each ``set``."""
        return self._version

    async def newer(self, than: int, *, within_s: float, clock: Clock) -> bool:
        """Wait up to ``within_s`` seconds for a version after ``than``; whether there is one."""
        if self._version == than:
            await sleep_unless(self._changed, within_s, clock)
        return self._version != than

    async def watch(self) -> AsyncIterator[T]:
        """Yield the current value, then the newest one whenever there is a newer one."""
        while True:
            seen, changed = self._version, self._changed
            yield self._value
            if self._version == seen:
                await changed.wait()
