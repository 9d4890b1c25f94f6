"""Publishes all again when Home Assistant has started, or somebody asks for it. Soon, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from bridge.broker.broker import Broker
from bridge.broker.session import Received
from bridge.contract.clock import Clock
from bridge.contract.retry import Random
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message

WAIT_S = (1.0, 5.0)
"""Home Assistant asks for a random delay after its birth message."""


class Births:
    """Hears Home Assistant's birth messages.

    ``announced`` is all that it needs then, and ``send`` publishes each of that as a ``beat``.
    """

    def __init__(
        self,
        topics: Topics,
        *,
        announced: Callable[[], Iterable[Message]],
        send: Callable[..., None],
        clock: Clock,
        random: Random,
    ) -> None:
        self._topics, self._announced, self._send = topics, announced, send
        self._clock, self._random = clock, random
        self._wanted = asyncio.Event()

    def listen(self, broker: Broker) -> None:
        """Hear of births from now on. The usual topic may be closed to us: it is a guess."""
        first, *others = self._topics.births
        broker.subscribe(first, self.receive)
        for topic in others:
            broker.subscribe(topic, self.receive, optional=True)

    def receive(self, received: Received) -> None:
        """Take a message of Home Assistant's."""
        if received.payload.strip().lower() == ONLINE.encode():
            self._wanted.set()

    def rediscover(self) -> None:
        """Publish all again, soon and once."""
        self._wanted.set()

    async def run(self, broker: Broker) -> None:
        """Answer until cancelled."""
        least, most = WAIT_S
        while True:
            await self._wanted.wait()
            await self._clock.sleep(least + self._random() * (most - least))
            self._wanted.clear()
            for message in self._announced():
                await broker.room()
                self._send(message, beat=True)
