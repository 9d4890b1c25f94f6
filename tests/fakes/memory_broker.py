"""A broker in memory that sessions connect to: stored messages, wills, and little else.

Everything arrives at once. Never forgets a stored message unless told to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from paho.mqtt.client import topic_matches_sub

from bridge.broker.session import (
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Received,
    Refusal,
    SubscriptionRefusedError,
)
from bridge.contract.wire import Message

_UNSUPPORTED_PROTOCOL, _NOT_AUTHORIZED = 132, 135


class _Session:
    def __init__(self, broker: MemoryBroker, greeting: Greeting) -> None:
        self._broker, self.greeting = broker, greeting
        self._filters: dict[str, bool] = {}
        """Filters, and whether own messages are kept from them."""
        self._arrived: asyncio.Queue[Received | None] = asyncio.Queue()
        self.limits = Limits()
        self.lost = False
        self._code: int | None = None

    def receive(self, message: Message, *, stored: bool, own: bool = False) -> None:
        no_local = own and self.greeting.version is ProtocolVersion.V5
        if any(
            topic_matches_sub(each, message.topic) and not (no_local and kept)
            for each, kept in self._filters.items()
        ):
            self._arrived.put_nowait(Received(message.topic, message.payload, retain=stored))

    def lose(self, code: int | None = None) -> None:
        self.lost, self._code = True, code
        self._arrived.put_nowait(None)

    async def send(self, messages: Sequence[Message]) -> list[Refusal]:
        self._check()
        refused = [each for each in messages if each.topic in self._broker.refused]
        for message in messages:
            if message not in refused:
                self._broker.take(message, self)
        return [Refusal(message, _NOT_AUTHORIZED, "Not authorized") for message in refused]

    async def subscribe(self, topic_filter: str, *, commands: bool, own: bool = False) -> None:
        self._check()
        if topic_filter in self._broker.refused:
            raise SubscriptionRefusedError(topic_filter, _NOT_AUTHORIZED)
        self._filters[topic_filter] = own
        self._broker.asked.append(topic_filter)
        is_kept_back = commands and self.greeting.version is ProtocolVersion.V5
        if is_kept_back or not self._broker.delivers:
            return
        for message in self._broker.stored.values():
            if topic_matches_sub(topic_filter, message.topic):
                self._arrived.put_nowait(Received(message.topic, message.payload, retain=True))

    async def unsubscribe(self, topic_filter: str) -> None:
        self._check()
        self._filters.pop(topic_filter, None)

    async def received(self) -> AsyncIterator[Received]:
        while (received := await self._arrived.get()) is not None:
            yield received
        raise ConnectionFailedError("the connection ended", code=self._code)

    def drop(self) -> None:
        self._broker.lose(self)

    @property
    def filters(self) -> set[str]:
        return set(self._filters)

    def _check(self) -> None:
        if self.lost:
            raise ConnectionFailedError("the connection ended")


class MemoryBroker:
    """Its ``connect`` is what a ``Broker`` takes."""

    def __init__(self, version: ProtocolVersion = ProtocolVersion.V5) -> None:
        self.version, self.is_up = version, True
        self.stored: dict[str, Message] = {}
        self.refused: set[str] = set()
        """Filters that nobody may subscribe to, and topics that nobody may publish on."""
        self.delivers = True
        """Else it takes subscriptions and sends nothing, as where nothing may be read."""
        self.asked: list[str] = []
        """Filters, in the order of the subscriptions."""
        self.heard: list[Message] = []
        """All that was published by sessions, wills too."""
        self.sessions: list[_Session] = []

    @asynccontextmanager
    async def connect(self, greeting: Greeting) -> AsyncIterator[_Session]:
        if not self.is_up:
            raise ConnectionFailedError("connection refused")
        if greeting.version is not self.version:
            raise ConnectionFailedError("no such protocol", code=_UNSUPPORTED_PROTOCOL)
        session = _Session(self, greeting)
        self.sessions.append(session)
        try:
            yield session
        finally:
            if session in self.sessions:
                self.sessions.remove(session)

    def take(self, message: Message, by: _Session | None = None) -> None:
        """A session published ``message``."""
        self.heard.append(message)
        self._spread(message, by)

    def tell(self, topic: str, payload: Any, *, retain: bool = True) -> None:
        """Somebody else publishes; what is no text is sent as JSON."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self._spread(Message(topic, text.encode(), retain=retain))

    def stop(self) -> None:
        """Break all connections and take none; what is stored stays."""
        self.is_up = False
        for session in list(self.sessions):
            self.lose(session)

    def lose(self, session: _Session, code: int | None = None) -> None:
        """One connection ends without a goodbye, or with the reason ``code``."""
        if session in self.sessions:
            self.sessions.remove(session)
            session.lose(code)
            if session.greeting.will:
                self.take(session.greeting.will)

    def text(self, topic: str) -> str:
        """What is stored on ``topic``."""
        return self.stored[topic].payload.decode() if topic in self.stored else ""

    def json(self, topic: str) -> Any:
        return json.loads(self.stored[topic].payload)

    def _spread(self, message: Message, by: _Session | None = None) -> None:
        if message.retain:
            self.stored.pop(message.topic, None)
            if message.payload:
                self.stored[message.topic] = message
        for session in list(self.sessions) if self.delivers else ():
            session.receive(message, stored=False, own=session is by)
