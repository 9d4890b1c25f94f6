"""Sessions as signed cookies, with the tokens of their forms; only ended ones are stored.

A cookie is ``id.until.signature``. The key changes with the password, so a new one ends all
sessions. A form's token is signed with the same key and is good for one session only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

LIFETIME = timedelta(days=30)
ID_BYTES, KEY_BYTES = 16, 32
ENDED_MOST = 1_000
"""Ended sessions that are remembered; one more ends all there are."""
_PARTS = 3


class Session(NamedTuple):
    """Who reads the page."""

    cookie: str
    token: str
    """Goes into every form."""
    authenticated: bool
    """Whether the password was given."""

    def accepts(self, token: str) -> bool:
        """Whether ``token`` is that of its forms; in constant time."""
        return hmac.compare_digest(self.token.encode(), token.encode(errors="replace"))


class Sessions:
    """Makes, recognises and ends sessions, which ``secret`` signs.

    ``save`` keeps what was ended, so that a restart brings no session back; ``ended`` is what it
    was given in an earlier life.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        password_key: bytes = b"",
        ended: str = "",
        save: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._secret = secret
        self.change_key(password_key)
        self._ended, self._all_until = _ended_of(ended)
        self._save = save

    def change_key(self, password_key: bytes) -> None:
        """End all sessions of another password."""
        self._key = hmac.digest(self._secret, b"sessions\0" + password_key, hashlib.sha256)

    def begin(
        self, random: Callable[[int], bytes], now: datetime, *, authenticated: bool
    ) -> Session:
        """A new session."""
        until = int((now + LIFETIME).timestamp())
        body = f"{_text(random(ID_BYTES))}.{until}{'k' if authenticated else 'a'}"
        return self._session(f"{body}.{self._sign(b'cookie', body)}", authenticated=authenticated)

    def recognise(self, cookie: str | None, now: datetime) -> Session | None:
        """The session of ``cookie``; ``None`` when it is not ours or has ended."""
        parts = (cookie or "").split(".")
        if len(parts) != _PARTS or not (cookie or "").isascii():
            return None
        body, signature = ".".join(parts[:2]), parts[2]
        if not hmac.compare_digest(self._sign(b"cookie", body), signature):
            return None
        until, kind = int(parts[1][:-1]), parts[1][-1]
        if until <= max(now.timestamp(), self._all_until) or parts[0] in self._ended:
            return None
        return self._session(cookie or "", authenticated=kind == "k")

    def end(self, session: Session, now: datetime) -> None:
        """End ``session`` for everybody who has its cookie; one without the password is none."""
        if not session.authenticated:
            return
        name, until = session.cookie.split(".")[:2]
        self._ended = {n: u for n, u in self._ended.items() if u > now.timestamp()}
        self._ended[name] = int(until[:-1])
        if len(self._ended) > ENDED_MOST:
            self._all_until = int((now + LIFETIME).timestamp())
            self._ended.clear()
        self._save(json.dumps({"ended": self._ended, "all_until": self._all_until}))

    def _session(self, cookie: str, *, authenticated: bool) -> Session:
        return Session(cookie, self._sign(b"token", cookie), authenticated)

    def _sign(self, purpose: bytes, body: str) -> str:
        return _text(hmac.digest(self._key, purpose + b"\0" + body.encode(), hashlib.sha256))


def _ended_of(text: str) -> tuple[dict[str, int], int]:
    """What was ended; nothing where the text says nothing that can be read."""
    try:
        stored = json.loads(text)
        return {str(n): int(u) for n, u in stored["ended"].items()}, int(stored["all_until"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}, 0


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
