"""What a session with a broker offers: the one over paho and one in memory are exchangeable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import NamedTuple, Protocol

from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message

LARGEST_PAYLOAD = 256 * 1024
"""Bytes that anybody may send us at once: many times our largest discovery payload, and room for
those of others, which the start-up sweep reads. A retained flood must buy no memory here."""

PACKET_TOO_LARGE, NO_WILDCARDS = 0x95, 0xA2
"""The reason codes for what a session itself refuses, since the broker has announced it."""


class ProtocolVersion(StrEnum):
    """The versions of MQTT that are spoken, as people write them."""

    V5 = "5.0"
    V311 = "3.1.1"


class Received(NamedTuple):
    """One message from the broker."""

    topic: str
    payload: bytes
    retain: bool
    """It was stored by the broker, so it may be old."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker announced in CONNACK (MQTT 5, 3.2.2.3).

    One of 3.1.1 announces nothing, and is spared.
    A session obeys all of it by itself.
    """

    receive_maximum: int = 65535
    """Publishes at QoS 1 that may be unacknowledged."""
    maximum_packet_size: int | None = None
    """Bytes; a larger publish is refused with code 0x95 instead of being sent."""
    maximum_qos: int = 2
    retain_available: bool = True
    wildcards: bool = True
    """Whether filters may have them; else such a filter is refused with code 0xA2."""
    keep_alive_s: int | None = None
    """What the broker wants instead of ours."""
    client_id: str | None = None
    """What the broker calls us instead."""


class Refusal(NamedTuple):
    """A publish that the broker did not accept."""

    message: Message
    code: int
    """The reason code of PUBACK (MQTT 5, 3.4.2.1)."""
    reason: str
    """The same in words."""


class SubscriptionRefusedError(Exception):
    """The broker answered SUBSCRIBE with a failure, the ``code`` of SUBACK (MQTT 5, 3.9.3)."""

    def __init__(self, topic_filter: str, code: int, reason: str = "") -> None:
        super().__init__(f"{topic_filter} ({reason or hex(code)})")
        self.topic_filter, self.code, self.reason = topic_filter, code, reason or hex(code)


class Silence(Enum):
    """How a broker left a CONNECT without a CONNACK that can be understood."""

    ENDED = auto()
    """It closed the connection, or what it sent was no CONNACK of this version."""
    LASTS = auto()
    """Nothing came in time."""


class ConnectionFailedError(Exception):
    """The broker refused, cannot be reached, or the connection ended.

    ``code`` is the MQTT 5 reason code of CONNACK or DISCONNECT (those of 3.1.1 translated), where
    one came, with what the broker ``said`` of it and the ``server`` that it named.
    ``unanswered`` says how, when a CONNECT was sent and no CONNACK came. ``largest_bytes`` is the
    largest publish that was unacknowledged when the broker ended the connection. ``ours``: nothing
    was asked, since a file of ours cannot be used. ``silent``: it did not end the connection, but
    did not answer either.
    """

    def __init__(
        self,
        text: str,
        *,
        code: int | None = None,
        said: str = "",
        server: str = "",
        unanswered: Silence | None = None,
        largest_bytes: int = 0,
        ours: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(text)
        self.code, self.said, self.server = code, said, server
        self.unanswered, self.largest_bytes = unanswered, largest_bytes
        self.ours, self.silent = ours, silent


def first_failure(group: BaseExceptionGroup[ConnectionFailedError]) -> ConnectionFailedError:
    """The first of several that came together."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConnectionFailedError)
    return error


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a CONNECT says."""

    settings: MqttSettings
    client_id: str
    version: ProtocolVersion
    will: Message | None = None
    known: Limits = field(default_factory=Limits)
    """What earlier connections taught, which binds beside what this one will announce."""


class Session(Protocol):
    """One MQTT session from CONNACK to DISCONNECT.

    Each coroutine raises ``ConnectionFailedError`` when the connection ends meanwhile.
    """

    @property
    def limits(self) -> Limits:
        """What the broker announced."""

    async def send(self, messages: Sequence[Message]) -> list[Refusal]:
        """Publish ``messages`` in their order and wait until the broker has all of them.

        Returns those that it refused, with its reason.
        """

    async def subscribe(self, topic_filter: str, *, commands: bool, own: bool = False) -> None:
        """Subscribe at QoS 1; ``commands`` asks the broker to keep stored messages to itself.

        ``own`` asks it not to send back what this session publishes; under 3.1.1 it does.

        Raises ``SubscriptionRefusedError`` when the broker answers with a failure.
        """

    async def unsubscribe(self, topic_filter: str) -> None:
        """Take a subscription back."""

    def received(self) -> AsyncIterator[Received]:
        """Every message that arrives, until the connection ends with ``ConnectionFailedError``.

        What has arrived together is yielded without giving way to other tasks in between, so that
        a handler sees all stored messages of a connect before anybody acts on the first.
        """

    def drop(self) -> None:
        """End at once and without DISCONNECT, so that the broker publishes the will."""


Connect = Callable[[Greeting], AbstractAsyncContextManager[Session]]
"""Connects when entered, or raises ``ConnectionFailedError``; when left it disconnects, and the
broker forgets the will."""
