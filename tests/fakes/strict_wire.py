"""The bytes of MQTT 5 and 3.1.1, as far as a strict broker reads and writes them. Pure.

Sections are those of MQTT 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.contract.wire import Message

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PING, DISCONNECT = 1, 3, 8, 10, 12, 14
V311, V5 = 4, 5
"""Protocol levels (3.1.2.2)."""


@dataclass(frozen=True)
class Announced:
    """What CONNACK or DISCONNECT says beside its code (3.2.2.3, 3.14.2.2)."""

    receive_maximum: int | None = None
    maximum_packet_size: int | None = None
    maximum_qos: int | None = None
    retain_available: bool = True
    wildcards: bool = True
    client_id: str = ""
    keep_alive_s: int | None = None
    reason: str = ""
    server_reference: str = ""

    def packed(self) -> bytes:
        """The properties with their length."""
        parts = [
            (b"\x21", self.receive_maximum, 2),
            (b"\x27", self.maximum_packet_size, 4),
            (b"\x24", self.maximum_qos, 1),
            (b"\x25", None if self.retain_available else 0, 1),
            (b"\x28", None if self.wildcards else 0, 1),
            (b"\x13", self.keep_alive_s, 2),
        ]
        numbers = b"".join(
            name + value.to_bytes(size) for name, value, size in parts if value is not None
        )
        words = [
            (b"\x12", self.client_id),
            (b"\x1f", self.reason),
            (b"\x1c", self.server_reference),
        ]
        packed = numbers + b"".join(name + text(value) for name, value in words if value)
        return length(len(packed)) + packed


@dataclass(frozen=True)
class Packet:
    """One packet that arrived."""

    kind: int
    flags: int
    body: bytes
    size: int
    """Bytes of all of it."""


@dataclass(frozen=True)
class Hello:
    """What a CONNECT said."""

    level: int
    client_id: str
    keep_alive_s: int
    will: Message | None


@dataclass(frozen=True)
class Wanted:
    """One filter of a SUBSCRIBE with its options (3.8.3.1)."""

    topic_filter: str
    no_local: bool
    stored: bool


def length(value: int) -> bytes:
    """A variable byte integer (1.5.5)."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def text(value: str) -> bytes:
    """A string with its length (1.5.4)."""
    return len(value.encode()).to_bytes(2) + value.encode()


def packet(first: int, body: bytes) -> bytes:
    """A packet with its first byte."""
    return bytes((first,)) + length(len(body)) + body


def publish(topic: str, payload: bytes, *, retain: bool, level: int) -> bytes:
    """A PUBLISH at QoS 0."""
    properties = b"\0" if level == V5 else b""
    return packet(0x30 | retain, text(topic) + properties + payload)


async def read(reader: asyncio.StreamReader) -> Packet:
    """The next packet."""
    first = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            head = 1 + shift // 7
            return Packet(first >> 4, first & 0xF, await reader.readexactly(size), head + size)


class _Cursor:
    def __init__(self, body: bytes) -> None:
        self.rest = body

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        if len(taken) < count:
            raise EOFError("the packet is cut short")
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def data(self) -> bytes:
        return self.take(self.number(2))

    def skip_properties(self) -> None:
        size = shift = 0
        while (byte := self.number(1)) & 0x80:
            size |= (byte & 0x7F) << shift
            shift += 7
        self.take(size | byte << shift)


def hello(body: bytes) -> Hello:
    """What a CONNECT says (3.1). Raises ``EOFError`` where it is none."""
    at = _Cursor(body)
    if at.data() != b"MQTT":
        raise EOFError("no MQTT")
    level, flags, keep_alive_s = at.number(1), at.number(1), at.number(2)
    if level == V5:
        at.skip_properties()
    client_id, will = at.data().decode(), None
    if flags & 0x04:
        if level == V5:
            at.skip_properties()
        topic, payload = at.data().decode(), at.data()
        will = Message(topic, payload, retain=bool(flags & 0x20), qos=flags >> 3 & 3)
    return Hello(level, client_id, keep_alive_s, will)


def published(arrived: Packet, level: int) -> tuple[Message, bytes]:
    """A PUBLISH and its packet id, which is empty at QoS 0 (3.3)."""
    at, qos = _Cursor(arrived.body), arrived.flags >> 1 & 3
    topic = at.data().decode()
    mid = at.take(2) if qos else b""
    if level == V5:
        at.skip_properties()
    return Message(topic, at.rest, retain=bool(arrived.flags & 1), qos=qos), mid


def wanted(body: bytes, level: int) -> Iterator[Wanted]:
    """The filters of a SUBSCRIBE (3.8.3)."""
    at = _Cursor(body[2:])
    if level == V5:
        at.skip_properties()
    while at.rest:
        topic_filter, options = at.data().decode(), at.number(1)
        yield Wanted(topic_filter, no_local=bool(options & 4), stored=options >> 4 & 3 != 2)


def unwanted(body: bytes, level: int) -> Iterator[str]:
    """The filters of an UNSUBSCRIBE (3.10.3)."""
    at = _Cursor(body[2:])
    if level == V5:
        at.skip_properties()
    while at.rest:
        yield at.data().decode()
