"""The session of a request, and the cookie that carries it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.proxies import arrival_of
from bridge.web.access.sessions import LIFETIME, Session, Sessions

_SESSION = web.RequestKey("session", Session)


class Cookies:
    """Gives each request its session, and each new reader the cookie ``name``."""

    def __init__(
        self, name: str, sessions: Sessions, *, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._name, self._sessions = name, sessions
        self._clock, self._random = clock, random

    def change_key(self, password_key: bytes) -> None:
        """End all sessions: the password is another."""
        self._sessions.change_key(password_key)

    def is_open(self, request: web.Request) -> bool:
        """Whether the session of ``request`` goes on."""
        return bool(self._sessions.recognise(session_of(request).cookie, self._clock.now()))

    def open(self, request: web.Request) -> None:
        """Find the session of ``request``, or begin one."""
        session = self._sessions.recognise(self._sent(request), self._clock.now())
        if session:
            request[_SESSION] = session
        else:
            self.renew(request, authenticated=False)

    def renew(self, request: web.Request, *, authenticated: bool) -> None:
        """Begin another session."""
        now = self._clock.now()
        request[_SESSION] = self._sessions.begin(self._random, now, authenticated=authenticated)

    def end(self, request: web.Request) -> None:
        """End the session for everybody who has its cookie, and begin another one."""
        self._sessions.end(session_of(request), self._clock.now())
        self.renew(request, authenticated=False)

    def add_to(self, response: web.StreamResponse, request: web.Request) -> None:
        """Set the cookie of a new session with the answer that is a page."""
        cookie = session_of(request).cookie
        is_page = response.content_type == "text/html" or response.status == HTTPStatus.SEE_OTHER
        if not is_page or self._sent(request) == cookie:
            return
        response.set_cookie(
            self._name_for(request),
            cookie,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=arrival_of(request).by_tls,
        )

    def _sent(self, request: web.Request) -> str | None:
        return request.cookies.get(self._name_for(request))

    def _name_for(self, request: web.Request) -> str:
        """Another one by https: no plain page can overwrite a ``Secure`` cookie (RFC 6265bis)."""
        return f"__Host-{self._name}" if arrival_of(request).by_tls else self._name


def session_of(request: web.Request) -> Session:
    """The session of a request that passed the guard."""
    return request[_SESSION]
