"""The link between one bridge and the broker, which can be cut without a word, slow, or reset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

AT_ONCE = 65_536


class Relay:
    """Passes on bytes; what is sent while it is cut arrives late, as TCP sends it anew.

    ``words`` start a program where it has this link.
    """

    words: tuple[str, ...] = ()

    def __init__(self, to_port: int, *, host: str = "127.0.0.1") -> None:
        self._to_port, self.host = to_port, host
        self._open = asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.each_s = 0.0
        """So long each piece is on the way."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen on a port of ``host`` until the end of the block."""
        server = await asyncio.start_server(self._take, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.mend()
            self.reset()
            while self._ways:  # noqa: ASYNC110 - they end now, one after the other
                await asyncio.sleep(0.01)

    @property
    def is_used(self) -> bool:
        """Whether something is connected through it."""
        return bool(self._ways)

    def cut(self) -> None:
        """Let nothing through, either way; nobody is informed."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything through."""
        self._open.set()

    def reset(self) -> None:
        """End all connections with a reset, at both ends."""
        for way in list(self._ways):
            way.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ways.add(writer)
        with suppress(OSError):
            await self._open.wait()
            there, on = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._ways.add(on)
            await asyncio.gather(self._pass(reader, on), self._pass(there, writer))
            self._ways.discard(on)
        self._ways.discard(writer)
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(AT_ONCE):
                await asyncio.sleep(self.each_s)
                await self._open.wait()
                writer.write(piece)
                await writer.drain()
        await self._open.wait()
        writer.close()
