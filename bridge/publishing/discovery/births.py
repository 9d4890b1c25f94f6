"""Announces everything again when Home Assistant has started, or when somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from bridge.broker import Broker, Received
from bridge.contract.clock import Clock
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from bridge.publishing.account_states import Send
from bridge.retry import Random

WAIT_S = (1.0, 5.0)
"""Home Assistant asks for a random delay after its birth message."""


class Births:
    """Hears Home Assistant's birth messages."""

    def __init__(self, broker: Broker, send: Send, *, clock: Clock, random: Random) -> None:
        self._broker, self._send, self._clock, self._random = broker, send, clock, random
        self._wanted = asyncio.Event()

    def listen(self, topics: Topics) -> None:
        """Hear of births from now on. The usual topic may be closed to us: it is a guess."""
        for number, topic in enumerate(topics.births):
            self._broker.subscribe(topic, self._hear, optional=number > 0)

    def rediscover(self) -> None:
        """Announce all again, soon and once."""
        self._wanted.set()

    async def run(self, everything: Callable[[], Iterable[Message]]) -> None:
        """Announce ``everything``, which is what Home Assistant needs then, until cancelled."""
        least, most = WAIT_S
        while True:
            await self._wanted.wait()
            await self._clock.sleep(least + self._random() * (most - least))
            self._wanted.clear()
            for message in everything():
                await self._broker.room()
                self._send(message, beat=True)

    def _hear(self, received: Received) -> None:
        if received.payload.strip().lower() == ONLINE.encode():
            self._wanted.set()
