"""A small MQTT broker inside this process, for the demo.

amqtt speaks MQTT 3.1.1. Its own listener waits for ever on an MQTT 5 CONNECT that has a will: it
reads the properties as text. So connections are taken here, a client that speaks another version is
told so at once, as MQTT 3.1.1 asks for (3.1.2.2), and the others are handed on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from bridge.config.installation import cure
from bridge.contract.errors import ConfigError

if TYPE_CHECKING:
    from amqtt.broker import Broker

log = logging.getLogger(__name__)

LISTENER = "default"
DEADLINE_S = 10
SHUTDOWN_S = 2
"""amqtt 0.12 now and then waits for ever for a reader that has already ended."""
CONNECT = 0x10
MQTT_311 = 4
WRONG_VERSION = bytes((0x20, 2, 0, 1))
"""CONNACK: unacceptable protocol version (MQTT 3.1.1, 3.2.2.3)."""
VERSION_AT = 6
"""Where the version stands behind the lengths: two bytes and the letters MQTT come before."""
LENGTH_BYTES = 4
"""The most that a packet's length takes (MQTT 3.1.1, 2.2.3)."""
CONTINUED = 0x80


class EmbeddedBroker:
    """Anonymous, in memory, gone when it is left. Port 0 takes a free one."""

    host = "127.0.0.1"

    def __init__(self, *, port: int = 0, shutdown_s: float = SHUTDOWN_S) -> None:
        self.port, self._shutdown_s = port, shutdown_s
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start to listen. Raises ``ConfigError`` without amqtt, ``OSError`` for a taken port."""
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._broker = _amqtt_broker()
        self._server = await asyncio.start_server(self._take, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        await self._broker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop to listen and drop every connection."""
        assert self._server is not None
        assert self._broker is not None
        self._server.close()
        try:
            async with asyncio.timeout(self._shutdown_s):
                await self._broker.shutdown()
        except TimeoutError:
            log.debug("embedded broker: amqtt did not end, it is left behind")
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer), name="embedded-broker")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from amqtt.adapters import StreamWriterAdapter  # noqa: PLC0415 - an extra, slow to load

        try:
            async with asyncio.timeout(DEADLINE_S):
                head = await _connect_head(reader)
            if head[-1] != MQTT_311:
                writer.write(WRONG_VERSION)
                await writer.drain()
                return
            assert self._broker is not None
            await self._broker.external_connected(
                _Replayed(head, reader), StreamWriterAdapter(writer), LISTENER
            )
        except (OSError, EOFError, ValueError) as error:
            log.debug("embedded broker: a client left: %r", error)
        finally:
            writer.close()


class _Replayed:
    """amqtt's ``ReaderAdapter`` over a stream whose first bytes were already read."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader) -> None:
        self._head, self._reader = head, reader

    async def read(self, n: int = -1) -> bytes:
        """Exactly ``n`` bytes, or all there are until the end."""
        first, self._head = (self._head, b"") if n < 0 else (self._head[:n], self._head[n:])
        if n < 0:
            return first + await self._reader.read()
        return first + await self._reader.readexactly(n - len(first))

    def feed_eof(self) -> None:
        """Nothing more will be read."""
        self._reader.feed_eof()


class _Snapshots(dict[str, Any]):
    """A dictionary that may change while somebody iterates over it."""

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy().keys())


async def _connect_head(reader: asyncio.StreamReader) -> bytes:
    """The beginning of a CONNECT packet up to its protocol version; ``ValueError`` for another."""
    head = await reader.readexactly(1)
    if head[0] != CONNECT:
        raise ValueError("the first packet is no CONNECT")
    for _ in range(LENGTH_BYTES):
        head += await reader.readexactly(1)
        if not head[-1] & CONTINUED:
            break
    return head + await reader.readexactly(VERSION_AT + 1)


def _amqtt_broker() -> Broker:
    try:
        from amqtt.broker import Broker as AmqttBroker  # noqa: PLC0415 - an extra, slow to load
        from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError([f"the embedded broker needs amqtt. {cure('demo')}"]) from error
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = ListenerConfig(type=ListenerType.EXTERNAL)
    broker = AmqttBroker(BrokerConfig(listeners={LISTENER: listener}, plugins=anonymous))
    broker._subscriptions = _Snapshots()  # noqa: SLF001 - amqtt 0.12 awaits while it iterates
    return broker
