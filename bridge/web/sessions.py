"""Signed cookies and the tokens that belong to them. Never stores a session: restarts end none.

A cookie is ``id.until.signature``. The key changes with the password, so a new one ends all
sessions. A form's token is signed with the same key and is good for one session only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(days=30)
ID_BYTES, KEY_BYTES = 16, 32
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Session:
    """Who reads the page."""

    cookie: str
    token: str
    """Goes into every form."""
    known: bool
    """Whether the password was given."""


class Sessions:
    """Makes and recognises sessions."""

    def __init__(self, secret: bytes, *, password_key: bytes = b"") -> None:
        self._key = hmac.digest(secret, b"sessions\0" + password_key, hashlib.sha256)

    def begin(self, random: Callable[[int], bytes], now: datetime, *, known: bool) -> Session:
        """A new session."""
        until = int((now + LIFETIME).timestamp())
        body = f"{_text(random(ID_BYTES))}.{until}{'k' if known else 'a'}"
        return self._session(f"{body}.{self._sign(b'cookie', body)}", known=known)

    def recognise(self, cookie: str | None, now: datetime) -> Session | None:
        """The session of ``cookie``; ``None`` when it is not ours or has ended."""
        parts = (cookie or "").split(".")
        if len(parts) != _PARTS or not (cookie or "").isascii():
            return None
        body, signature = ".".join(parts[:2]), parts[2]
        if not hmac.compare_digest(self._sign(b"cookie", body), signature):
            return None
        until, kind = parts[1][:-1], parts[1][-1]
        if int(until) <= now.timestamp():
            return None
        return self._session(cookie or "", known=kind == "k")

    @staticmethod
    def is_token(session: Session, token: str) -> bool:
        """Whether ``token`` is the session's; in constant time."""
        return hmac.compare_digest(session.token.encode(), token.encode(errors="replace"))

    def _session(self, cookie: str, *, known: bool) -> Session:
        return Session(cookie, self._sign(b"token", cookie), known)

    def _sign(self, purpose: bytes, body: str) -> str:
        return _text(hmac.digest(self._key, purpose + b"\0" + body.encode(), hashlib.sha256))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
