"""Announces people of a table who are new, one after the other: they may be thousands.

That somebody of a large table was not read yet is said only when the first read did not bring them:
until then their table says that nobody is current.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from bridge.contract.wire import Message
from bridge.publishing.account_states import AccountStates
from bridge.publishing.outgoing import Outgoing

FIRST_READ_S = 20.0
"""So long may the first read of a large table take; who was read then still waits to be sent."""
LOOK_S = 1.0
TURN = 100
"""After so many other tasks have their turn: of most there is nothing to say."""


class Newcomers:
    """Who waits to be announced; ``introduction`` gives the messages about one.

    ``introduced`` is called with their tables when nobody waits any more.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        introduction: Callable[[str], Iterable[Message]],
        introduced: Callable[[set[str]], None],
        states: AccountStates,
    ) -> None:
        self._outgoing, self._introduction = outgoing, introduction
        self._introduced, self._states = introduced, states
        self._waiting: OrderedDict[str, float] = OrderedDict()
        """Since when."""
        self._came = asyncio.Event()

    def add(self, slug: str) -> None:
        """Let somebody wait for their turn."""
        self._waiting.setdefault(slug, self._outgoing.clock.monotonic())
        self._came.set()

    async def run(self) -> None:
        """Announce until cancelled; who waits while the broker is away is in the next backlog."""
        while True:
            await self._came.wait()
            self._came.clear()
            tables: set[str] = set()
            while self._waiting and self._outgoing.broker.connected:
                await self._outgoing.broker.room()
                slug, since_s = next(iter(self._waiting.items()))
                is_late = self._outgoing.clock.monotonic() - since_s >= FIRST_READ_S
                if self._states.awaits_first_facts(slug, is_late=is_late):
                    await self._outgoing.clock.sleep(LOOK_S)
                    continue
                self._waiting.pop(slug, None)
                if len(self._waiting) % TURN == 0:
                    await asyncio.sleep(0)
                account = self._outgoing.followed.get(slug)
                tables |= {account.table} if account and account.table else set()
                self._outgoing.send(*self._introduction(slug), beat=True)
            if self._outgoing.broker.connected:
                self._introduced(tables)
            self._waiting.clear()
