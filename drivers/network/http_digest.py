"""Digest authentication with SHA-256, as a Shelly with a password asks for it. Pure.

Source: RFC 7616; Shelly API documentation, "Authentication".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

_PAIR = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_FIRST = "00000001"
"""Each challenge is answered once."""


class Login(NamedTuple):
    """Who lets us in."""

    username: str
    password: str


def authorization(
    asked: Iterable[str], login: Login, *, method: str, target: str, cnonce: str
) -> str | None:
    """The header that answers one of ``asked``, or ``None`` where no such answer will do."""
    for challenge in asked:
        scheme, _, rest = challenge.strip().partition(" ")
        said = {key.lower(): quoted or plain for key, quoted, plain in _PAIR.findall(rest)}
        qops = re.split(r"\s*,\s*", said.get("qop", ""))
        if (
            scheme.lower() == "digest"
            and said.get("algorithm", "").upper() == "SHA-256"
            and "auth" in qops
            and {"realm", "nonce"} <= said.keys()
        ):
            return _answer(said, login, method=method, target=target, cnonce=cnonce)
    return None


def _answer(said: dict[str, str], login: Login, *, method: str, target: str, cnonce: str) -> str:
    who = _hash(login.username, _plain(said["realm"]), login.password)
    what = _hash(method, target)
    username = re.sub(r'(["\\])', r"\\\1", login.username)
    fields = {"username": username, "realm": said["realm"], "nonce": said["nonce"]}
    fields |= {"uri": target, "cnonce": cnonce}
    fields["response"] = _hash(who, _plain(said["nonce"]), _FIRST, cnonce, "auth", what)
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    pairs = ", ".join(f'{key}="{value}"' for key, value in fields.items())
    return f"Digest {pairs}, qop=auth, nc={_FIRST}, algorithm=SHA-256"


def _hash(*parts: str) -> str:
    return sha256(":".join(parts).encode()).hexdigest()


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)
