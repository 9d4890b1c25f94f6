"""The ``http`` kind: any device or service that takes a request, written as a template.

Its placeholders are filled for each look, and its secrets read from their files.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from bridge.config.text_file import EncodingError, read_secret
from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError
from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings, Words
from drivers.blocking import Worker
from drivers.http_light.options import SECRET, HttpOptions
from drivers.looks.brightness import is_lit
from drivers.looks.template import capability_of, effects_of, fill, fill_payload, values
from drivers.looks.words import called
from drivers.network.http_calls import HttpCalls, Request
from drivers.network.http_digest import Login

_NO_HEADER = re.compile(r"[^\x20-\x7e\xa0-\xff]")


class HttpLight:
    """Sends a request for each look; has ``say`` and ``refresh`` where its options ask for them."""

    def __init__(self, options: HttpOptions, calls: HttpCalls, clock: Clock) -> None:
        self._options, self._calls, self._clock = options, calls, clock
        self._state: LightState | None = None
        self._words, self._sent_s = Words(), -math.inf
        if options.is_sign:
            self.say = self._note
        if options.repeat:
            self.refresh = self._repeat

    async def apply(self, state: LightState) -> None:
        """Send the request for ``state``."""
        self._state = state
        await self._calls(partial(request_for, self._options, state, self._words))
        self._sent_s = self._clock.monotonic()

    def _note(self, words: Words) -> None:
        self._words = words

    async def _repeat(self) -> None:
        due = self._clock.monotonic() - self._sent_s >= self._options.repeat
        if due and self._state is not None:
            await self.apply(self._state)


def request_for(options: HttpOptions, state: LightState, words: Words) -> Request:
    """What shows ``state`` and ``words``; reads files, so that a new secret counts at once."""
    filled = values(state, called(words, options.words))
    if options.secret_file:
        filled[SECRET] = _secret(options.secret_file)
    off = None if is_lit(state) else options.off
    body = (off and off.body) or options.body
    content = None if body is None else fill_payload(body, filled).encode()
    headers = {
        name: fill(text, filled, lambda value: _NO_HEADER.sub("?", value))
        for name, text in options.headers.items()
    }
    if content is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _type(content)
    return Request(
        (off and off.method) or options.method,
        fill((off and off.url) or options.url, filled, lambda value: quote(value, safe="")),
        headers | _authorization(options),
        content,
        _named(options) if options.login == "digest" else None,
    )


def _authorization(options: HttpOptions) -> dict[str, str]:
    if options.token_file:
        return {"Authorization": f"Bearer {_secret(options.token_file)}"}
    if options.login == "basic" and (login := _named(options)):
        user = ":".join(login).encode()
        return {"Authorization": f"Basic {b64encode(user).decode('ascii')}"}
    return {}


def _named(options: HttpOptions) -> Login | None:
    if options.username is None or options.password_file is None:
        return None
    return Login(options.username, _secret(options.password_file))


def _secret(file: Path) -> str:
    remedy = "Write the secret into it, alone in its first line."
    try:
        secret = read_secret(file)
    except (OSError, EncodingError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not in UTF-8"
        raise LightRefusedError(f"{file}: {reason}.", remedy=remedy) from None
    if not secret or _NO_HEADER.search(secret):
        problem = "has characters that cannot be sent" if secret else "is empty"
        raise LightRefusedError(f"{file} {problem}.", remedy=remedy)
    return secret


def _type(content: bytes) -> str:
    if content.lstrip().startswith((b"{", b"[")):
        with suppress(ValueError):
            json.loads(content)
            return "application/json"
    return "text/plain; charset=utf-8"


@asynccontextmanager
async def _open(options: HttpOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"http-{around.name}") as worker:
        calls = HttpCalls(worker, timeout_s=options.timeout, ca_file=options.ca_file)
        yield HttpLight(options, calls, around.clock)


def tailored(options: HttpOptions) -> Kind[HttpOptions]:
    """The kind as the templates of ``options`` make it."""
    return replace(
        KIND,
        effects=effects_of(*options.templates),
        color_modes=frozenset({capability_of(*options.templates).value}),
        min_interval_s=options.pace,
        deadline_s=options.timeout,
    )


KIND = Kind(name="http", options=HttpOptions, open=_open, tailored=tailored, min_interval_s=0.5)
