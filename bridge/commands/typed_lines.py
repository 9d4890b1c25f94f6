"""Lines that a person types or pastes into a terminal. Never blocks the event loop."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Self, TextIO

CHUNK = 65_536


class Typed:
    """Reads ``stream`` while it is open as a context."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._rest = b""
        self._reads = False

    def __enter__(self) -> Self:
        """Begin to read; a stream that cannot be waited for (/dev/null) never has a line."""
        try:
            asyncio.get_running_loop().add_reader(self._stream.fileno(), self._read)
            self._reads = True
        except (OSError, ValueError):  # a file, or a standard input that is closed
            self._reads = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End reading."""
        self._stop()

    async def line(self) -> str:
        """The next line that is not empty; waits for ever once there are no more."""
        return await self._lines.get()

    def _read(self) -> None:
        try:
            chunk = os.read(self._stream.fileno(), CHUNK)
        except OSError:  # the terminal is gone
            chunk = b""
        if not chunk:
            self._stop()
        *lines, self._rest = (self._rest + (chunk or b"\n")).split(b"\n")
        for line in lines:
            if text := line.decode(errors="replace").strip():
                self._lines.put_nowait(text)

    def _stop(self) -> None:
        if self._reads:
            asyncio.get_running_loop().remove_reader(self._stream.fileno())
            self._reads = False
