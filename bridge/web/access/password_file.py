"""The file of the page's password, and each new password that somebody writes into it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from bridge.config.text_file import Stamp, stamp_of
from bridge.contract.clock import Clock, sleep_unless
from bridge.contract.errors import ConfigError
from bridge.web.access.password import COST, Cost, PasswordHash, read_password

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""Between two looks; a change is taken at the second one that finds the same: an editor may be
half done at the first."""


class PasswordFile:
    """Reads ``file``; ``salt`` and ``cost`` are for a password that is written in plain."""

    def __init__(self, file: Path, salt: bytes, clock: Clock, cost: Cost = COST) -> None:
        self._file, self._salt, self._clock, self._cost = file, salt, clock, cost
        self._taken: Stamp | None = None
        self._password: PasswordHash | None = None
        self._look = asyncio.Event()

    def read(self) -> PasswordHash:
        """The password now; takes a moment. Raises as ``read_password``."""
        self._taken = stamp_of(self._file)
        self._password = read_password(self._file, self._salt, self._cost)
        return self._password

    def look_now(self) -> None:
        """Look at once whether there is a new one."""
        self._look.set()

    async def renewals(self) -> AsyncIterator[PasswordHash]:
        """Each new password; one that cannot be used is logged once, and the old one stays."""
        seen = self._taken
        while True:
            await sleep_unless(self._look, LOOK_S, self._clock)
            at_once = self._look.is_set()
            self._look.clear()
            before, seen = seen, await asyncio.to_thread(stamp_of, self._file)
            if seen == self._taken or not (at_once or seen == before):
                continue
            if password := await asyncio.to_thread(self._read_new):
                log.info("the page has a new password: it is asked for everywhere")
                yield password

    def _read_new(self) -> PasswordHash | None:
        old = self._password
        try:
            new = self.read()
        except ConfigError as error:
            log.error("%s; the page keeps its old password", error)  # noqa: TRY400 - one line
            return None
        return None if old and (new.salt, new.key) == (old.salt, old.key) else new
