"""Takes from the broker what is wanted no more, and what an earlier life left there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterator
from functools import partial
from pathlib import Path

from bridge.broker import Broker, Received
from bridge.contract.clock import Clock
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.removal.ledger import Ledger, Stored
from bridge.publishing.removal.removals import Removals
from bridge.publishing.removal.sweep import LISTEN_S, announced_account, stored_account

LOOKED_FOR_MOST = 1_000
"""So few people are looked for on the broker at each start: a disk may have come back from an old
copy. Of more the ledger must know."""
PAUSE_S = 2.0
"""Between the bare platform and the final payload: Home Assistant needs to see both."""


class CleanUp:
    """Removes until the broker has acknowledged it; ``device`` gives a discovery message."""

    def __init__(
        self,
        topics: Topics,
        file: Path,
        *,
        device: Callable[[str], Message | None],
        send: Callable[[Message], None],
        clock: Clock,
    ) -> None:
        self._topics, self._device, self._send, self._clock = topics, device, send, clock
        self._removals = Removals(topics, Ledger(file, topics))
        self._due = asyncio.Event()
        self._look_everywhere = False

    def read(self) -> None:
        """Learn what is stored on the broker."""
        self._look_everywhere = not self._removals.read()

    def want(self, wanted: Stored) -> None:
        """Let exactly ``wanted`` be stored, soon."""
        if self._removals.want(wanted):
            self._due.set()

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        if self._removals.acknowledged(message):
            self._due.set()

    def is_shrinking(self, topic: str) -> bool:
        """Whether the device on ``topic`` is losing components now."""
        return topic in self._removals.shrunk

    def messages(self, *, but: Container[str] = ()) -> Iterator[Message]:
        """All that removes what has to go: bare platforms first, then emptied topics."""
        for topic in self._removals.shrunk:
            device = self._device(topic) if topic not in but else None
            if device and (bare := self._removals.bare(device)):
                yield bare
        yield from self._removals.empties()

    async def remove(self, broker: Broker) -> None:
        """Remove what has to go until cancelled; a broker that is away gets it in ``welcome``."""
        while True:
            await self._due.wait()
            self._due.clear()
            bared = self._removals.bared
            if bared:
                await self._clock.sleep(PAUSE_S)
            for topic in bared:
                if device := self._device(topic):
                    self._send(device)
            for message in self.messages(but=bared):
                await broker.room()
                self._send(message)

    async def look(self, broker: Broker, *, also: Callable[[Received], None]) -> None:
        """After the first connect, look for what is ours and unknown, for a while.

        ``also`` hears the same.
        """
        while not broker.connects:
            await self._clock.sleep(0.5)
        await self._clock.sleep(PAUSE_S)
        filters: dict[str, Callable[[Received], None]] = {
            self._topics.device_config("+"): self._hear_device
        }
        if self._look_everywhere or self._removals.people <= LOOKED_FOR_MOST:
            filters[self._topics.account("+", "availability")] = self._hear_account
        for topic_filter, handler in filters.items():
            broker.subscribe(topic_filter, partial(_both, handler, also))
        connects = 0
        while connects != broker.connects:  # again, when the connection was lost meanwhile
            connects = broker.connects
            await self._clock.sleep(LISTEN_S)
        for topic_filter in filters:
            broker.unsubscribe(topic_filter)

    async def close(self) -> None:
        """Leave to the next start what is not done."""
        await self._removals.close()

    def _hear_device(self, received: Received) -> None:
        account = announced_account(received, self._topics)
        if account and self._removals.found(account, received.topic):
            self._due.set()

    def _hear_account(self, received: Received) -> None:
        account = stored_account(received)
        if account and self._removals.found(account):
            self._due.set()


def _both(
    one: Callable[[Received], None], other: Callable[[Received], None], received: Received
) -> None:
    one(received)
    other(received)
