"""The broker as a driver sees it, in one process, with at most one device behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Protocol

from bridge.broker import Received
from bridge.contract.wire import Message

Told = Iterable[tuple[str, bytes, bool]]
"""Topic, payload, retained."""


class Device(Protocol):
    """A device behind the broker."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The topics that it listens on; ``+`` stands for a level."""

    def hello(self) -> Told:
        """What it has published before."""

    def receive(self, topic: str, payload: bytes) -> Told:
        """Obey, and answer."""


class FakeBus:
    """A :class:`drivers.base.Bus` that keeps what was published; the device answers at once."""

    def __init__(self, device: Device | None = None) -> None:
        self.device = device
        self.published: list[Message] = []
        self.connected = True
        self._handlers: dict[str, Callable[[Received], None]] = {}

    def publish(self, message: Message) -> None:
        """Keep the message, and hand it to the device that listens there."""
        self.published.append(message)
        if self.device is not None and any(
            fnmatchcase(message.topic, pattern.replace("+", "*"))
            for pattern in self.device.commands
        ):
            for topic, payload, _ in self.device.receive(message.topic, message.payload):
                self.tell(topic, payload)

    def subscribe(self, topic_filter: str, handler: Callable[[Received], None]) -> None:
        """Call ``handler`` with what is told on ``topic_filter``."""
        self._handlers[topic_filter] = handler

    def tell(self, topic: str, payload: bytes | str, *, stored: bool = False) -> None:
        """Deliver a message, as from the device, or one that the broker has ``stored``."""
        raw = payload.encode() if isinstance(payload, str) else payload
        if topic in self._handlers:
            self._handlers[topic](Received(topic, raw, retain=stored))

    def greet(self) -> None:
        """Deliver what the device has published before."""
        assert self.device is not None
        for topic, payload, _ in self.device.hello():
            self.tell(topic, payload)

    @property
    def followed(self) -> set[str]:
        """The subscriptions."""
        return set(self._handlers)
