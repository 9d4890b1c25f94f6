"""A listener on a connection: passes all bytes on and notes when they came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Tap:
    """What went through since ``forget``; moments on the monotonic clock."""

    port: int = 0
    connections: int = 0
    asked: list[tuple[float, bytes]] = field(default_factory=list)
    """From who connects."""
    answered: list[tuple[float, bytes]] = field(default_factory=list)

    def forget(self) -> None:
        """Drop what was noted, except the connections."""
        self.asked.clear()
        self.answered.clear()


@asynccontextmanager
async def tap(port: int) -> AsyncIterator[Tap]:
    """Listen between a free port and ``port``, both of this machine."""
    noted, tasks = Tap(), set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        noted.connections += 1
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        for source, sink, notes in (
            (reader, inner_writer, noted.asked),
            (inner_reader, writer, noted.answered),
        ):
            task = asyncio.create_task(_pass_on(source, sink, notes))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    noted.port = server.sockets[0].getsockname()[1]
    try:
        yield noted
    finally:
        server.close()
        for task in tasks:
            task.cancel()


async def _pass_on(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, notes: list[tuple[float, bytes]]
) -> None:
    with suppress(OSError):
        while chunk := await source.read(CHUNK):
            notes.append((time.monotonic(), chunk))
            sink.write(chunk)
    sink.close()
