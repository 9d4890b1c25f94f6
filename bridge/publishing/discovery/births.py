"""Announces everything again when Home Assistant has started, or when somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from bridge.broker import Received
from bridge.contract.topics import ONLINE
from bridge.contract.wire import Message
from bridge.publishing.outgoing import Outgoing

WAIT_S = (1.0, 5.0)
"""Home Assistant asks for a random delay after its birth message."""


class Births:
    """Hears Home Assistant's birth messages."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._wanted = asyncio.Event()

    def listen(self) -> None:
        """Hear of births from now on. The usual topic may be closed to us: it is a guess."""
        for number, topic in enumerate(self._outgoing.topics.births):
            self._outgoing.broker.subscribe(topic, self._hear, optional=number > 0)

    def rediscover(self) -> None:
        """Announce all again, soon and once."""
        self._wanted.set()

    async def run(self, everything: Callable[[], Iterable[Message]]) -> None:
        """Announce ``everything``, which is what Home Assistant needs then, until cancelled."""
        out, (least, most) = self._outgoing, WAIT_S
        while True:
            await self._wanted.wait()
            await out.clock.sleep(least + out.random() * (most - least))
            self._wanted.clear()
            for message in everything():
                await out.broker.room()
                out.send(message, beat=True)

    def _hear(self, received: Received) -> None:
        if received.payload.strip().lower() == ONLINE.encode():
            self._wanted.set()
