"""What waits for the broker. Never grows without bound: a topic keeps only its newest message."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from itertools import islice

from bridge.contract.wire import Message

EVENTS_KEPT = 100
"""Messages without retain that may wait; the oldest is dropped, since nobody wants old events."""


class Outbox:
    """Messages to send: the newest of each retained topic, and a few events."""

    def __init__(self) -> None:
        self._retained: OrderedDict[str, Message] = OrderedDict()  # taken from its front
        self._events: deque[Message] = deque(maxlen=EVENTS_KEPT)
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self.dropped = 0
        """Events lost because too many waited."""

    def __len__(self) -> int:
        return len(self._retained) + len(self._events)

    def put(self, message: Message) -> None:
        """Let ``message`` wait; an older one on the same retained topic is forgotten."""
        if message.retain:
            self._retained.pop(message.topic, None)
            self._retained[message.topic] = message
        else:
            self.dropped += len(self._events) == EVENTS_KEPT
            self._events.append(message)
        self._filled.set()

    def take(self, most: int, *, events: bool = True) -> list[Message]:
        """Remove and return up to ``most`` messages: states first, so that events find them."""
        taken: list[Message] = []
        while self._retained and len(taken) < most:
            taken.append(self._retained.popitem(last=False)[1])
        while events and self._events and len(taken) < most:
            taken.append(self._events.popleft())
        self._emptied.set()
        return taken

    def forget_retained(self) -> None:
        """Drop waiting states: the caller is about to send all of them anew."""
        self._retained.clear()
        self._emptied.set()

    async def wait(self) -> None:
        """Return when something waits."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()

    async def room(self, below: int) -> None:
        """Return when fewer than ``below`` messages wait."""
        while len(self) >= below:
            self._emptied.clear()
            await self._emptied.wait()


def chunks(messages: Iterable[Message], size: int) -> Iterator[list[Message]]:
    """``messages`` in lists of ``size``, made one after the other."""
    remaining = iter(messages)
    while chunk := list(islice(remaining, size)):
        yield chunk
