"""A slow link as a process: passes bytes on to a port of this machine, each a while later.

python -m bench.link PORT ROUND_TRIP_S      prints the port that it listens on
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

CHUNK = 65_536


async def link(port: int, round_trip_s: float) -> None:
    """Pass on until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        with suppress(ExceptionGroup):  # it ends one way, and so both
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_pass_on(reader, far_writer, round_trip_s / 2))
                ways.create_task(_pass_on(far_reader, writer, round_trip_s / 2))
        writer.close()
        far_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pass_on(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float
) -> None:
    """Raises ``EOFError`` when ``source`` has ended."""
    loop = asyncio.get_running_loop()
    travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due_s, chunk = await travelling.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if not chunk:
                raise EOFError
            sink.write(chunk)
            await sink.drain()

    async with asyncio.TaskGroup() as ends:
        ends.create_task(arrive())
        while chunk := await source.read(CHUNK):
            travelling.put_nowait((loop.time() + delay_s, chunk))
        travelling.put_nowait((loop.time() + delay_s, b""))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(link(int(sys.argv[1]), float(sys.argv[2])))
