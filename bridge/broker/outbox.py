"""What waits for the broker: the newest message of each topic, and a few events."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from itertools import islice

from bridge.contract.wire import Message

ROOM = 500
"""Who has thousands of messages makes them only while fewer wait, and so the newest can go first.
"""
EVENTS_KEPT = 100
"""Messages without retain that may wait; the oldest is dropped, since nobody wants old events."""


class Outbox:
    """Messages to send: changes first, then a few events, then the beats that repeat states."""

    def __init__(self) -> None:
        self._changes: OrderedDict[str, Message] = OrderedDict()  # taken from its front
        self._events: deque[Message] = deque(maxlen=EVENTS_KEPT)
        self._delayed: deque[Message] = deque(maxlen=EVENTS_KEPT)
        self._beats: OrderedDict[str, Message] = OrderedDict()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changes) + len(self._events) + len(self._delayed) + len(self._beats)

    def put(self, message: Message, *, beat: bool = False) -> None:
        """Let ``message`` wait; an older one on the same retained topic is forgotten."""
        if message.retain:
            changes = self._changes.pop(message.topic, None) is not None or not beat
            self._beats.pop(message.topic, None)
            (self._changes if changes else self._beats)[message.topic] = message
        else:
            self._events.append(message)
        self._filled.set()

    def put_unless_newer(self, message: Message) -> None:
        """Let a retained ``message`` wait as a beat, unless a newer one waits on its topic."""
        if message.topic not in self._changes and message.topic not in self._beats:
            self.put(message, beat=True)

    def pop(self, *, beats: bool = True) -> Message | None:
        """Remove and return what goes next: states first, so that events find them."""
        self._emptied.set()
        if self._changes:
            return self._changes.popitem(last=False)[1]
        if self._events:
            return self._events.popleft()
        return self._beats.popitem(last=False)[1] if beats and self._beats else None

    def take(self, most: int, *, beats: bool = True) -> list[Message]:
        """Remove and return up to ``most`` messages, in the order of ``pop``."""
        taken: list[Message] = []
        while len(taken) < most and (message := self.pop(beats=beats)):
            taken.append(message)
        return taken

    def clear(self) -> None:
        """Forget all that waits."""
        for waiting in (self._changes, self._events, self._delayed, self._beats):
            waiting.clear()
        self._emptied.set()

    def begin(self) -> None:
        """Drop waiting states, all of which come anew, and delay events until they have come."""
        self._changes.clear()
        self._beats.clear()
        self._delayed.extend(self._events)
        self._events.clear()
        self._emptied.set()

    def release(self) -> None:
        """Let the events go that ``begin`` delayed."""
        self._events = deque([*self._delayed, *self._events], maxlen=EVENTS_KEPT)
        self._delayed.clear()
        self._filled.set()

    async def wait(self) -> None:
        """Return when something waits."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()

    @property
    def has_room(self) -> bool:
        """Whether so few messages wait that another one is soon sent."""
        return len(self) < ROOM

    @property
    def has_room_for_changes(self) -> bool:
        """Whether so few changes wait, whatever waits behind them."""
        return len(self._changes) < ROOM

    async def room(self) -> None:
        """Wait for ``has_room``."""
        while not self.has_room:
            self._emptied.clear()
            await self._emptied.wait()


def chunks(messages: Iterable[Message], size: int) -> Iterator[list[Message]]:
    """``messages`` in lists of ``size``, made one after the other."""
    remaining = iter(messages)
    while chunk := list(islice(remaining, size)):
        yield chunk
