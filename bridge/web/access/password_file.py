"""The file of the page's password, its scrypt hash, and each new one that somebody writes there.

A password is compared in constant time and never logged. Cost: OWASP Password Storage Cheat Sheet,
scrypt with N=2^13, r=8, p=10: 8 MiB for a moment.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bridge.config.text_file import Stamp, read_secret, stamp_of
from bridge.config.unreadable_file import unreadable
from bridge.contract.clock import Clock, sleep_unless
from bridge.contract.errors import ConfigError

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""Between two looks; a change is taken at the second one that finds the same: an editor may be
half done at the first."""


class Cost(NamedTuple):
    """What each guess takes: rounds, block size and parallelism of scrypt."""

    n: int = 2**13
    r: int = 8
    p: int = 10


COST = Cost()
MEMORY = 32 * 1024 * 1024
"""What scrypt may take at the most, in bytes."""
SALT_BYTES, KEY_BYTES = 16, 32
LEAST = 8
"""Characters of a password that is written in plain."""
_MARK = "scrypt$"


@dataclass(frozen=True, slots=True, repr=False)
class PasswordHash:
    """A password that can be checked and not be read."""

    salt: bytes
    key: bytes
    cost: Cost = COST

    @classmethod
    def of(cls, password: str, salt: bytes, cost: Cost = COST) -> PasswordHash:
        """Hash ``password``; takes some tens of milliseconds."""
        n, r, p = cost
        key = hashlib.scrypt(
            password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=KEY_BYTES
        )
        return cls(salt, key, cost)

    @classmethod
    def parse(cls, line: str) -> PasswordHash:
        """Read what ``str`` wrote. Raises ``ValueError`` for anything else."""
        try:
            mark, cost, block, parallel, salt, key = line.split("$")
            read = cls(base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True))
        except (ValueError, binascii.Error):
            raise ValueError("is not a scrypt hash as this program writes it") from None
        if mark != "scrypt" or (cost, block, parallel) != tuple(map(str, COST)):
            raise ValueError("is a scrypt hash of another cost")
        if len(read.salt) < SALT_BYTES or len(read.key) != KEY_BYTES:
            raise ValueError("is a scrypt hash that was cut")
        return read

    def matches(self, password: str) -> bool:
        """Whether ``password`` is the one; in constant time."""
        return hmac.compare_digest(PasswordHash.of(password, self.salt, self.cost).key, self.key)

    def __str__(self) -> str:
        salt, key = (base64.b64encode(part).decode() for part in (self.salt, self.key))
        return f"{_MARK}{self.cost.n}${self.cost.r}${self.cost.p}${salt}${key}"


def read_password(file: Path, salt: bytes, cost: Cost = COST) -> PasswordHash:
    """The password in the first line of ``file``: in plain, or as ``str(PasswordHash)``.

    One in plain is hashed at ``cost``. Raises ``ConfigError`` where it cannot be read or is short.
    """
    try:
        line = read_secret(file)
        if line.startswith(_MARK):
            return PasswordHash.parse(line)
    except OSError as error:
        raise ConfigError([f"web.password_file: {unreadable(file, error)}"]) from error
    except ValueError as error:
        raise ConfigError([f"web.password_file: {file}: {error}"]) from error
    if len(line) < LEAST:
        raise ConfigError([f"web.password_file: {file}: use {LEAST} characters or more"])
    return PasswordHash.of(line, salt, cost)


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
