"""A file of lines that only grows, written beside the loop; a disk that refuses raises nothing.

What it refused stays in memory: when it works again, the file is written anew as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from bridge.config.atomic_file import write_private
from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""Between two tries to write what could not be written."""
CLOSE_S = 1.0
"""So long a stop waits for the last lines."""

R = TypeVar("R")


class Journal(Generic[R]):
    """Records of one file; ``line`` writes one, ``whole`` are all that the file should contain."""

    def __init__(
        self,
        file: Path,
        *,
        line: Callable[[R], str],
        whole: Callable[[], Sequence[R]],
        clock: Clock,
    ) -> None:
        self._file, self._line, self._whole, self._clock = file, line, whole, clock
        self._records: list[R] = []
        self._anew = False
        self._news = asyncio.Event()
        self._writing: asyncio.Future[None] | None = None
        self._lost = False

    def add(self, record: R) -> None:
        """Append ``record`` soon."""
        if not self._anew:
            self._records.append(record)
        self._news.set()

    def write_anew(self) -> None:
        """Replace the file soon."""
        self._anew = True
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            if not await self._flush():
                await self._clock.sleep(RETRY_S)

    async def close(self) -> None:
        """Write what is left; a disk that hangs is not waited for."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._flush()
        except TimeoutError:
            log.warning("%s: the disk does not answer: the last lines are lost", self._file)

    async def _flush(self) -> bool:
        """Write what is not written yet; whether the disk took it."""
        if self._writing:  # of a ``run`` that was cancelled meanwhile
            await asyncio.wait({self._writing})
        anew = self._anew
        records = self._whole() if anew else self._records
        self._records, self._anew = [], False
        self._news.clear()
        if not records:
            return True
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._write, records, anew)
        await asyncio.wait({self._writing})  # a cancelled run leaves it to go on
        error = self._writing.exception()
        self._writing = None
        if error is None:
            self._log(None)
            return True
        if not isinstance(error, OSError):
            raise error
        self._log(error)
        self.write_anew()
        return False

    def _write(self, records: Sequence[R], anew: bool) -> None:  # noqa: FBT001 - on a worker
        text = "".join(map(self._line, records))
        if anew:
            write_private(self._file, text)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with os.fdopen(os.open(self._file, flags, 0o600), "a", encoding="utf-8") as file:
            file.write(text)

    def _log(self, error: OSError | None) -> None:
        if error and not self._lost:
            log.warning("%s: %s: a restart forgets today", self._file, error.strerror)
        if self._lost and not error:
            log.info("%s is written again", self._file)
        self._lost = error is not None
