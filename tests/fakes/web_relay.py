"""A line to the page that can be cut as a cable is: nothing comes through, and nothing ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Where the line begins, and whether it carries anything."""

    port: int = 0
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                await self.whole.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        """Carry both ways until one end goes."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            there = asyncio.create_task(self.carry(reader, far_writer))
            back = asyncio.create_task(self.carry(far_reader, writer))
            await asyncio.wait({there, back})
        finally:
            there.cancel()
            back.cancel()
            await asyncio.wait({there, back})
            writer.transport.abort()
            far_writer.transport.abort()


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Relay]:
    """A line to ``port`` of this machine until the end of the block."""
    relay = Relay()
    relay.whole.set()
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.create_task(relay.join(reader, writer, port)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
