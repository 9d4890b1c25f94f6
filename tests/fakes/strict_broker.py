"""A broker on a socket that forgives nothing and misbehaves as it is told.

What a client does against an announced limit is one of ``breaches`` and ends its connection with
the code of MQTT 5 for it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bridge.contract.wire import Message
from tests.fakes import strict_wire as wire
from tests.fakes.strict_client import Client
from tests.fakes.strict_wire import (
    CONNECT,
    DISCONNECT,
    PING,
    PUBLISH,
    SUBSCRIBE,
    UNSUBSCRIBE,
    V5,
    V311,
    Announced,
    Hello,
    Packet,
)

ALL = frozenset({SUBSCRIBE, UNSUBSCRIBE, PUBLISH})
TOO_MANY, TOO_LARGE, NO_RETAIN, NO_SUCH_QOS, NO_WILDCARDS = 0x93, 0x95, 0x9A, 0x9B, 0xA2
CONNACK_311_OLD = bytes((0x20, 2, 0, 1))
"""What a broker of 3.1.1 says to a newer level: return code 1 (MQTT 3.1.1, 3.2.2.3)."""


class StrictBroker:
    """What it does is changed between the lines of a test."""

    def __init__(self, *, accepts: bool = True, answers: frozenset[int] = ALL) -> None:
        self.accepts, self.answers = accepts, answers
        self.levels = {V5, V311}
        self.answer_to_other_levels: bytes | None = b""
        """Written before it closes; with ``None`` it resets the connection."""
        self.connack_code = self.puback_code = 0
        self.suback_code = 1
        self.announces = Announced()
        self.acknowledges_after_s = 0.0
        self.keeps = True
        """Whether it stores what is retained."""
        self.delivers = True
        """Else it takes subscriptions and sends nothing, as where nothing may be read."""
        self.stored: dict[str, Message] = {}
        self.breaches: list[str] = []
        self.most_unacknowledged = 0
        self.port = 0
        self.connections = 0
        self.closed = 0
        self.received: list[tuple[int, bytes]] = []
        self.messages: list[Message] = []
        """All that was published, wills too."""
        self.hellos: list[Hello] = []
        self._clients: dict[Client, None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        client = Client(writer)
        self._clients[client] = None
        with suppress(OSError, EOFError, TimeoutError):
            while True:
                packet = await self._in_time(reader)
                self.received.append((packet.kind, packet.body))
                self._take(client, packet)
        self.closed += 1
        del self._clients[client]
        if client.hello.will:
            self._spread(client, client.hello.will)
        writer.close()

    async def _in_time(self, reader: asyncio.StreamReader) -> Packet:
        """The next packet; the connection ends where the announced keepalive is not kept."""
        keep_alive_s = self.announces.keep_alive_s
        try:
            async with asyncio.timeout(1.5 * keep_alive_s if keep_alive_s else None):
                return await wire.read(reader)
        except TimeoutError:
            self.breaches.append("silent")
            raise

    def count(self, kind: int) -> int:
        return sum(received == kind for received, _ in self.received)

    def has(self, kind: int, *, times: int) -> bool:
        return self.count(kind) >= times

    def acknowledge_publishes(self) -> None:
        """Answer all publishes so far."""
        for client in self._clients:
            for mid in list(client.unacknowledged):
                client.acknowledge(mid, self.puback_code)
        self.received.clear()

    def send(self, packet: bytes) -> None:
        """Write ``packet`` to everybody, MQTT or not."""
        for client in self._clients:
            client.write(packet)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send a message at QoS 0 to everybody, asked for or not."""
        for client in self._clients:
            client.write(wire.publish(topic, payload, retain=retain, level=client.level))

    def topics(self) -> list[str]:
        """What was published, in order."""
        return [
            body[2 : 2 + int.from_bytes(body[:2])].decode()
            for kind, body in self.received
            if kind == PUBLISH
        ]

    def dismiss(self, code: int, announced: Announced | None = None) -> None:
        """End every connection with a DISCONNECT that says why."""
        for client in list(self._clients):
            client.dismiss(code, announced)

    def hang_up(self) -> None:
        """Reset every connection, as a broker does that is killed or loses its power."""
        for client in self._clients:
            client.reset()

    def _breach(self, client: Client, code: int, what: str) -> None:
        self.breaches.append(what)
        client.dismiss(code)

    def _take(self, client: Client, packet: Packet) -> None:
        most = self.announces.maximum_packet_size or packet.size
        if client.level == V5 and packet.size > most and packet.kind != CONNECT:
            self._breach(client, TOO_LARGE, f"{packet.size} bytes")
        elif packet.kind == CONNECT:
            self._greet(client, packet)
        elif packet.kind == PUBLISH:
            self._publish(client, packet)
        elif packet.kind == SUBSCRIBE and SUBSCRIBE in self.answers:
            self._subscribe(client, packet)
        elif packet.kind == UNSUBSCRIBE and UNSUBSCRIBE in self.answers:
            gone = list(wire.unwanted(packet.body, client.level))
            for topic_filter in gone:
                client.wants.pop(topic_filter, None)
            codes = bytes(1 + len(gone)) if client.level == V5 else b""
            client.write(wire.packet(0xB0, packet.body[:2] + codes))
        elif packet.kind == PING:
            client.write(wire.packet(0xD0, b""))
        elif packet.kind == DISCONNECT:
            client.forget_will()

    def _greet(self, client: Client, packet: Packet) -> None:
        client.hello = hello = wire.hello(packet.body)
        self.hellos.append(hello)
        if not self.accepts:
            return
        code = self.connack_code or self._refuses_will(hello)
        if hello.level not in self.levels and self.answer_to_other_levels is None:
            client.reset()
        elif hello.level not in self.levels:
            client.write(self.answer_to_other_levels or b"")
        elif hello.level == V311:
            client.write(bytes((0x20, 2, 0, code)))
        else:
            client.write(wire.packet(0x20, bytes((0, code)) + self.announces.packed()))
        if code or hello.level not in self.levels:
            client.forget_will()
            client.close()

    def _refuses_will(self, hello: Hello) -> int:
        will, most = hello.will, self.announces.maximum_qos
        if will is None or hello.level != V5:
            return 0
        if most is not None and will.qos > most:
            return NO_SUCH_QOS
        return NO_RETAIN if will.retain and not self.announces.retain_available else 0

    def _publish(self, client: Client, packet: Packet) -> None:
        message, mid = wire.published(packet, client.level)
        limits = self.announces if client.level == V5 else Announced()
        if limits.maximum_qos is not None and message.qos > limits.maximum_qos:
            self._breach(client, NO_SUCH_QOS, f"QoS {message.qos}")
        elif message.retain and not limits.retain_available:
            self._breach(client, NO_RETAIN, f"retained {message.topic}")
        elif mid and len(client.unacknowledged) >= (limits.receive_maximum or 65535):
            self._breach(client, TOO_MANY, f"{len(client.unacknowledged) + 1} unacknowledged")
        else:
            if mid:
                self._will_acknowledge(client, mid)
            if self.puback_code < 0x80:
                self._spread(client, message)

    def _will_acknowledge(self, client: Client, mid: bytes) -> None:
        client.unacknowledged[mid] = None
        self.most_unacknowledged = max(self.most_unacknowledged, len(client.unacknowledged))
        if PUBLISH not in self.answers:
            return
        if self.acknowledges_after_s:
            asyncio.get_running_loop().call_later(
                self.acknowledges_after_s, client.acknowledge, mid, self.puback_code
            )
        else:
            client.acknowledge(mid, self.puback_code)

    def _subscribe(self, client: Client, packet: Packet) -> None:
        asked = list(wire.wanted(packet.body, client.level))
        if not self.announces.wildcards and any(set("+#") & set(a.topic_filter) for a in asked):
            self._breach(client, NO_WILDCARDS, "a wildcard")
            return
        codes = bytes([self.suback_code] * len(asked))
        properties = b"\0" if client.level == V5 else b""
        client.write(wire.packet(0x90, packet.body[:2] + properties + codes))
        if self.suback_code >= 0x80:
            return
        for each in asked:
            client.wants[each.topic_filter] = each
            for message in self.stored.values() if each.stored and self.delivers else ():
                client.deliver(message, [each], stored=True)

    def _spread(self, sender: Client, message: Message) -> None:
        self.messages.append(message)
        if message.retain and self.keeps:
            self.stored.pop(message.topic, None)
            if message.payload:
                self.stored[message.topic] = message
        for client in self._clients if self.delivers else ():
            wants = client.wants.values()
            own = client is sender
            client.deliver(
                message, [each for each in wants if not (own and each.no_local)], stored=False
            )


@asynccontextmanager
async def strict(
    *, accepts: bool = True, answers: frozenset[int] = ALL, tls: ssl.SSLContext | None = None
) -> AsyncIterator[StrictBroker]:
    """Listens on a free port until the end of the block."""
    broker = StrictBroker(accepts=accepts, answers=answers)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0, ssl=tls)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        broker.hang_up()
        async with asyncio.timeout(60):
            while broker.closed < broker.connections:  # noqa: ASYNC110 - soon, and only here
                await asyncio.sleep(0.01)
