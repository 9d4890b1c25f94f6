"""The session of a request, and the cookie that carries it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.proxies import came_by_tls
from bridge.web.access.sessions import LIFETIME, Session, Sessions

_SESSION = web.RequestKey("session", Session)


class Cookies:
    """Gives each request its session, and each new reader the cookie ``name``."""

    def __init__(
        self, name: str, sessions: Sessions, *, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._name, self._sessions = name, sessions
        self._clock, self._random = clock, random

    def open(self, request: web.Request) -> None:
        """Find the session of ``request``, or begin one."""
        session = self._sessions.recognise(request.cookies.get(self._name), self._clock.now())
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
        if not is_page or request.cookies.get(self._name) == cookie:
            return
        response.set_cookie(
            self._name,
            cookie,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=came_by_tls(request),
        )


def session_of(request: web.Request) -> Session:
    """The session of a request that passed the guard."""
    return request[_SESSION]
