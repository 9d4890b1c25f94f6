"""Checks a password, one guess at a time; whoever guesses wrong waits.

One source has few guesses on the way, so that nobody waits behind the many of somebody else.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import math
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.password_file import PasswordHash
from bridge.web.access.wrong_passwords import FREE, WrongPasswords
from bridge.web.serving.addresses import source_of

log = logging.getLogger(__name__)

DEADLINE_S = 20.0
"""A guess that waits longer for its turn fails."""
AT_ONCE = 4
"""Guesses of one source that may wait: a browser and a few programs behind one address."""
KEY_BYTES = 32


class PasswordCheck:
    """The password of a page that has one."""

    def __init__(
        self, password: PasswordHash, *, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._password = password
        self._wrong = WrongPasswords(clock)
        self._one_guess = asyncio.Lock()
        self._guessing: Counter[str] = Counter()
        self._key = random(KEY_BYTES)
        self._right: bytes | None = None

    def change(self, password: PasswordHash) -> None:
        """Take ``password`` from now on, and no other."""
        self._password, self._right = password, None

    async def refusal(self, address: str, password: str) -> str | None:
        """Why ``password`` from ``address`` is refused; ``None`` when it is right."""
        if wait := self._wait(address):
            return wait
        digest = hmac.digest(self._key, password.encode(), hashlib.sha256)
        if self._right and hmac.compare_digest(self._right, digest):
            return None  # a program that sends it with each request pays for one check only
        source = source_of(address)
        if self._guessing[source] >= AT_ONCE:
            return "Too many passwords at once from your address. Try again."
        self._guessing[source] += 1
        try:
            async with asyncio.timeout(DEADLINE_S), self._one_guess:
                return self._wait(address) or await self._check(address, password, digest)
        except TimeoutError:
            return "Too many people try at once. Try again."
        finally:
            self._guessing -= Counter([source])

    async def _check(self, address: str, password: str, digest: bytes) -> str | None:
        asked = self._password
        if await asyncio.to_thread(asked.matches, password):
            if asked is not self._password:
                return "The password was changed just now. Enter the new one."
            self._wrong.forget(address)
            self._right = digest
            return None
        count = self._wrong.count(address)
        if count == 1:
            log.warning("somebody at %s gave a wrong password for the page", address)
        elif count == FREE:
            log.warning(
                "somebody at %s gave %d wrong passwords for the page: waits", address, count
            )
        return self._wait(address) or "That is not the password."

    def _wait(self, address: str) -> str | None:
        wait_s = math.ceil(self._wrong.wait_s(address))
        return f"Too many wrong passwords. Try again in {wait_s} seconds." if wait_s else None


def basic_password(request: web.Request) -> str | None:
    """The password that a program such as Prometheus sends with each request (RFC 7617).

    Its user name is ignored.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
