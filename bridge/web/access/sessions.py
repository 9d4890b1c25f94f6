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
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.proxies import arrival_of

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


_SESSION = web.RequestKey("session", Session)


class Sessions:
    """Gives each request its session, and each new reader the cookie ``name``.

    ``secret`` signs them. ``save`` keeps what was ended, so that a restart brings no session back;
    ``ended`` is what it was given in an earlier life.
    """

    def __init__(
        self,
        name: str,
        secret: bytes,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        password_key: bytes = b"",
        ended: str = "",
        save: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name, self._secret, self._clock, self._random = name, secret, clock, random
        self.change_key(password_key)
        self._ended, self._all_until = _ended_of(ended)
        self._save = save

    def change_key(self, password_key: bytes) -> None:
        """End all sessions of another password."""
        self._key = hmac.digest(self._secret, b"sessions\0" + password_key, hashlib.sha256)

    def find(self, request: web.Request) -> None:
        """Note the session of ``request`` for ``session_of``; begin one where it has none."""
        found = self.recognise(request.cookies.get(self._name_for(request), ""))
        request[_SESSION] = found or self.begin(authenticated=False)

    def enter(self, request: web.Request) -> None:
        """Begin another session for who gave the password with ``request``."""
        request[_SESSION] = self.begin(authenticated=True)

    def leave(self, request: web.Request) -> None:
        """End the session for everybody who has its cookie, and begin another one."""
        self.end(session_of(request))
        request[_SESSION] = self.begin(authenticated=False)

    def add_cookie(self, response: web.StreamResponse, request: web.Request) -> None:
        """Set the cookie of a new session with the answer that is a page."""
        name, cookie = self._name_for(request), session_of(request).cookie
        is_page = response.content_type == "text/html" or response.status == HTTPStatus.SEE_OTHER
        if is_page and request.cookies.get(name) != cookie:
            response.set_cookie(
                name,
                cookie,
                max_age=int(LIFETIME.total_seconds()),
                httponly=True,
                samesite="Strict",
                secure=arrival_of(request).by_tls,
            )

    def begin(self, *, authenticated: bool) -> Session:
        """A new session."""
        until = int((self._clock.now() + LIFETIME).timestamp())
        body = f"{_text(self._random(ID_BYTES))}.{until}{'k' if authenticated else 'a'}"
        return self._session(f"{body}.{self._sign(b'cookie', body)}", authenticated=authenticated)

    def recognise(self, cookie: str) -> Session | None:
        """The session of ``cookie``; ``None`` when it is not ours or has ended."""
        parts = cookie.split(".")
        if len(parts) != _PARTS or not cookie.isascii():
            return None
        body, signature = ".".join(parts[:2]), parts[2]
        if not hmac.compare_digest(self._sign(b"cookie", body), signature):
            return None
        until, kind = int(parts[1][:-1]), parts[1][-1]
        if until <= max(self._clock.now().timestamp(), self._all_until) or parts[0] in self._ended:
            return None
        return self._session(cookie, authenticated=kind == "k")

    def end(self, session: Session) -> None:
        """End ``session`` for everybody who has its cookie; one without the password is none."""
        if not session.authenticated:
            return
        now = self._clock.now()
        name, until = session.cookie.split(".")[:2]
        self._ended = {n: u for n, u in self._ended.items() if u > now.timestamp()}
        self._ended[name] = int(until[:-1])
        if len(self._ended) > ENDED_MOST:
            self._all_until = int((now + LIFETIME).timestamp())
            self._ended.clear()
        self._save(json.dumps({"ended": self._ended, "all_until": self._all_until}))

    def _name_for(self, request: web.Request) -> str:
        """Another one by https: no plain page can overwrite a ``Secure`` cookie (RFC 6265bis)."""
        return f"__Host-{self._name}" if arrival_of(request).by_tls else self._name

    def _session(self, cookie: str, *, authenticated: bool) -> Session:
        return Session(cookie, self._sign(b"token", cookie), authenticated)

    def _sign(self, purpose: bytes, body: str) -> str:
        return _text(hmac.digest(self._key, purpose + b"\0" + body.encode(), hashlib.sha256))


def session_of(request: web.Request) -> Session:
    """The session of a request that passed the guard."""
    return request[_SESSION]


def _ended_of(text: str) -> tuple[dict[str, int], int]:
    """What was ended; nothing where the text says nothing that can be read."""
    try:
        stored = json.loads(text)
        return {str(n): int(u) for n, u in stored["ended"].items()}, int(stored["all_until"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}, 0


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
