"""The request that shows a look: placeholders filled, secrets read from their files."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from bridge.config.text_file import EncodingError, read_secret
from bridge.contract.errors import LightRefusedError
from bridge.contract.light import LightState
from drivers.base import Words
from drivers.http_light.options import SECRET, HttpOptions
from drivers.looks.brightness import is_lit
from drivers.looks.template import fill, fill_payload, values
from drivers.looks.words import called
from drivers.network.http_calls import Request
from drivers.network.http_digest import Login

_NO_HEADER = re.compile(r"[^\x20-\x7e\xa0-\xff]")


def request_for(options: HttpOptions, state: LightState, words: Words) -> Request:
    """What shows ``state`` and ``words``; reads files, so that a new secret counts at once."""
    filled = values(state, called(words, options.words))
    if options.secret_file:
        filled[SECRET] = _secret(options.secret_file)
    off = None if is_lit(state) else options.off
    body = (off and off.body) or options.body
    content = None if body is None else fill_payload(body, filled).encode()
    headers = {name: fill(text, filled, _in_header) for name, text in options.headers.items()}
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


def _in_header(value: str) -> str:
    return _NO_HEADER.sub("?", value)


def _type(content: bytes) -> str:
    if content.lstrip().startswith((b"{", b"[")):
        with suppress(ValueError):
            json.loads(content)
            return "application/json"
    return "text/plain; charset=utf-8"
