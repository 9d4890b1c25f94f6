"""Announces people of a table who are new, one after the other: they may be thousands."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from bridge.broker import Broker
from bridge.contract.wire import Message
from bridge.publishing.account_states import Send


class Newcomers:
    """Who waits to be announced; ``introduction`` gives the messages about one."""

    def __init__(
        self, broker: Broker, introduction: Callable[[str], Iterable[Message]], send: Send
    ) -> None:
        self._broker, self._introduction, self._send = broker, introduction, send
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._came = asyncio.Event()

    def add(self, slug: str) -> None:
        """Let somebody wait for their turn."""
        self._waiting[slug] = None
        self._came.set()

    async def run(self) -> None:
        """Announce until cancelled; who waits while the broker is away is in the next backlog."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting and self._broker.connected:
                await self._broker.room()
                slug, _ = self._waiting.popitem(last=False)
                self._send(*self._introduction(slug), beat=True)
            self._waiting.clear()
