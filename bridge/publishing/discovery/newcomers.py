"""Announces people of a table who are new, one after the other: they may be thousands."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from bridge.contract.wire import Message
from bridge.publishing.outgoing import Outgoing


class Newcomers:
    """Who waits to be announced; ``introduction`` gives the messages about one.

    ``introduced`` is called when nobody waits any more.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        introduction: Callable[[str], Iterable[Message]],
        introduced: Callable[[], None],
    ) -> None:
        self._outgoing, self._introduction = outgoing, introduction
        self._introduced = introduced
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
            while self._waiting and self._outgoing.broker.connected:
                await self._outgoing.broker.room()
                slug, _ = self._waiting.popitem(last=False)
                self._outgoing.send(*self._introduction(slug), beat=True)
            if self._outgoing.broker.connected:
                self._introduced()
            self._waiting.clear()
