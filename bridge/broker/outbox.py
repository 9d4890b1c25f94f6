"""What waits for the broker. Never grows without bound: a topic keeps only its newest message."""

from __future__ import annotations

import asyncio
from collections import deque

from bridge.contract.wire import Message

EVENTS_KEPT = 100
"""Messages without retain that may wait; the oldest is dropped, since nobody wants old events."""


class Outbox:
    """Messages to send: the newest of each retained topic, and a few events."""

    def __init__(self) -> None:
        self._retained: dict[str, Message] = {}
        self._events: deque[Message] = deque(maxlen=EVENTS_KEPT)
        self._filled = asyncio.Event()
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

    def take(self, most: int) -> list[Message]:
        """Remove and return up to ``most`` messages: states first, so that events find them."""
        taken = [self._retained.pop(topic) for topic in list(self._retained)[:most]]
        while self._events and len(taken) < most:
            taken.append(self._events.popleft())
        return taken

    def forget_retained(self) -> None:
        """Drop waiting states: the caller is about to send all of them anew."""
        self._retained.clear()

    async def wait(self) -> None:
        """Return when something waits."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()
