"""One small file of what a process remembers, written in a thread.

A folder that is full, read-only or gone costs memory over a restart, never the process: it is
logged once, tried again, and logged once when it works again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from bridge.config.atomic_file import write_private

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""Between two tries to write what could not be written."""
CLOSE_S = 2.0
"""So long a stop waits for the last write."""


class StateFile:
    """The newest text is written, one write at a time; what was overtaken is never written."""

    def __init__(
        self,
        file: Path,
        *,
        write: Callable[[Path, str], None] = write_private,
        retry_s: float = RETRY_S,
    ) -> None:
        self.file = file
        self._write, self._retry_s = write, retry_s
        self._unwritten: str | None = None
        self._writing: asyncio.Future[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._lost = False

    def save(self, text: str) -> None:
        """Write ``text`` soon; at once where no event loop runs."""
        self._unwritten = text
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._write_now(text)
        else:
            self._begin()

    async def settled(self, within_s: float = CLOSE_S) -> None:
        """Wait until the newest text is written, or found not to be, ``within_s`` at the most."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + within_s
        while self._writing is not None and loop.time() < ends_s:
            await asyncio.wait({self._writing}, timeout=ends_s - loop.time())
            await asyncio.sleep(0)  # the callback begins the next write, or the wait for it

    async def close(self) -> None:
        """Wait until the newest text is written, ``CLOSE_S`` seconds at the most; retry no more."""
        self._begin()
        await self.settled()
        self._cancel_retry()

    def _begin(self) -> None:
        if self._writing is not None or self._unwritten is None:
            return
        self._cancel_retry()
        text, self._unwritten = self._unwritten, None
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, self.file, text)
        self._writing.add_done_callback(lambda done: self._written(done, text))

    def _written(self, done: asyncio.Future[None], text: str) -> None:
        self._writing = None
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, OSError):
            raise error
        self._log_news(error)
        if error is None:
            self._begin()
            return
        if self._unwritten is None:
            self._unwritten = text
        self._retry = asyncio.get_running_loop().call_later(self._retry_s, self._begin)

    def _cancel_retry(self) -> None:
        if self._retry:
            self._retry.cancel()
            self._retry = None

    def _write_now(self, text: str) -> None:
        self._unwritten = None
        try:
            self._write(self.file, text)
        except OSError as error:
            self._log_news(error)
        else:
            self._log_news(None)

    def _log_news(self, error: OSError | None) -> None:
        """Once that it cannot be written, and once that it can."""
        if error and not self._lost:
            text = "%s cannot be written: %s; kept in memory only, tried again"
            log.error(text, self.file, error.strerror)
        elif self._lost and not error:
            log.info("%s is written again", self.file)
        self._lost = error is not None
