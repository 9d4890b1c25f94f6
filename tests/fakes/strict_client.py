"""The strict broker's side of one connection. Never decides what is right."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from paho.mqtt.client import topic_matches_sub

from bridge.contract.wire import Message
from tests.fakes import strict_wire as wire
from tests.fakes.strict_wire import V5, Announced, Hello, Wanted


class Client:
    """Who is at the other end, and what was not answered yet."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.hello = Hello(V5, "", 0, None)
        self.wants: dict[str, Wanted] = {}
        self.unacknowledged: dict[bytes, None] = {}

    @property
    def level(self) -> int:
        """The level of its protocol."""
        return self.hello.level

    def write(self, packet: bytes) -> None:
        """Send ``packet``, MQTT or not."""
        if not self._writer.is_closing():
            self._writer.write(packet)

    def acknowledge(self, mid: bytes, code: int) -> None:
        """Answer one publish, once."""
        if self.unacknowledged.pop(mid, self) is None:
            self.write(wire.packet(0x40, mid + (bytes((code,)) if self.level == V5 else b"")))

    def deliver(self, message: Message, wants: Iterable[Wanted], *, stored: bool) -> None:
        """Send ``message`` at QoS 0 if one of ``wants`` matches."""
        if any(topic_matches_sub(each.topic_filter, message.topic) for each in wants):
            self.write(
                wire.publish(message.topic, message.payload, retain=stored, level=self.level)
            )

    def forget_will(self) -> None:
        """It left in order."""
        self.hello = Hello(self.level, self.hello.client_id, 0, None)

    def dismiss(self, code: int, announced: Announced | None = None) -> None:
        """End it, under 5 with a DISCONNECT that says why."""
        if self.level == V5:
            more = announced.packed() if announced else b"\0"
            self.write(wire.packet(0xE0, bytes((code,)) + more))
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def reset(self) -> None:
        """End it as a broker does that is killed."""
        with suppress(OSError):  # it may be closed already
            at_once = struct.pack("ii", 1, 0)
            self._writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, at_once
            )
        self._writer.transport.abort()
