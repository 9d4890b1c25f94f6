"""The middleware before every page: asks each policy of this room in turn, safest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from bridge.config.tables.web import WebSettings
from bridge.web.access.basic_auth import basic_password
from bridge.web.access.cookies import Cookies, session_of
from bridge.web.access.csrf import SAFE_METHODS, is_foreign_link, is_own_form
from bridge.web.access.headers import HEADERS
from bridge.web.access.hosts import names_us
from bridge.web.access.one_time_link import OneTimeLink
from bridge.web.access.password_check import PasswordCheck
from bridge.web.access.proxies import is_trusted, look_at_proxy, reader_source
from bridge.web.serving.connections import came_whole
from bridge.web.serving.faults import Faults

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/enter"})
"""Needed without the password; nothing private is there."""
STATIC = "/static/"
PATH_SHOWN = 80
FAILED = "The bridge failed at this. Please report it: the log says more."
NO_PROXY = "Come through the proxy."
OTHER_NAME = (
    "This name is not known here: list it under hosts in [web] of the config, "
    'or as in PRESENCE_WEB__HOSTS=["presence.example.org"].'
)
USED_LINK = "This link was used already, or is too old. The password opens the page too."
OTHER_FORM = "This form is too old or not from here. Load the page and try again."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.Request, HTTPStatus, str], web.Response]


class Guard:
    """Decides who may look and who may change something.

    ``names`` are those of this machine; ``password`` is ``None`` where none is needed; ``link``
    opens the page once without it.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        names: frozenset[str],
        cookies: Cookies,
        password: PasswordCheck | None,
        link: OneTimeLink | None = None,
    ) -> None:
        self._settings, self._cookies, self._password = settings, cookies, password
        self._link = link
        self._names = names | set(settings.hosts)
        self._faults = Faults()

    async def pass_on(
        self, request: web.Request, handler: Handler, *, refuse: Refuse
    ) -> web.StreamResponse:
        """Let through what may pass, and put the safety headers on every answer."""
        look_at_proxy(request, self._settings)
        self._cookies.open(request)
        if request.method in SAFE_METHODS:
            came_whole(request)
        response = await self._answer(request, handler, refuse)
        if not response.prepared:
            response.headers.update({k: v for k, v in HEADERS.items() if k not in response.headers})
            self._cookies.add_to(response, request)
        return response

    async def enter(self, request: web.Request, password: str) -> str | None:
        """Open a session for who knows the password; else the reason why not."""
        if self._password:
            refusal = await self._password.refusal(request.remote or "", password)
            if refusal is not None:
                return refusal
        self._cookies.renew(request, authenticated=True)
        return None

    def enter_by_link(self, request: web.Request, key: str) -> str | None:
        """Open a session for who has the one-time link; else the reason why not."""
        if self._link is None or not self._link.use(key):
            return USED_LINK
        self._cookies.renew(request, authenticated=True)
        return None

    def leave(self, request: web.Request) -> None:
        """End the reader's session, for everybody who has its cookie."""
        self._cookies.end(request)

    def can_leave(self, request: web.Request) -> bool:
        """Whether the reader came in by the password."""
        return self._password is not None and session_of(request).authenticated

    def reader_of(self, request: web.Request) -> str:
        """Who is counted as one reader: a session with the password, else a source."""
        session = session_of(request)
        return session.cookie if session.authenticated else reader_source(request)

    async def _answer(
        self, request: web.Request, handler: Handler, refuse: Refuse
    ) -> web.StreamResponse:
        """What a policy or the handler answers; a failure becomes an answer too."""
        try:
            return await self._refusal(request, refuse) or await handler(request)
        except web.HTTPException as error:
            response = refuse(request, HTTPStatus(error.status), error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except ConnectionError:
            raise
        except Exception as error:
            self._faults.log(error, f"the page, {request.method} {request.path[:PATH_SHOWN]}")
            if request.writer.output_size:  # half an answer cannot become another one
                raise ConnectionAbortedError from error
            return refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)

    async def _refusal(self, request: web.Request, refuse: Refuse) -> web.Response | None:
        """The answer to a request that may not pass."""
        trusted = is_trusted(request)
        if not (trusted or self._password or self._settings.is_local):
            return refuse(request, HTTPStatus.FORBIDDEN, NO_PROXY)
        needs_our_name = trusted or not self._password  # else no cookie comes under another name
        if needs_our_name and not names_us(request, self._names, trusted=trusted):
            return refuse(request, HTTPStatus.MISDIRECTED_REQUEST, OTHER_NAME)
        if request.method not in SAFE_METHODS:
            if unknown := request.match_info.http_exception:
                raise unknown
            if not await is_own_form(request):
                return refuse(request, HTTPStatus.FORBIDDEN, OTHER_FORM)
        if trusted or await self._may_enter(request):
            return None
        if is_foreign_link(request):
            return web.Response(headers={"Refresh": "0; url=./"})  # then the cookie comes too
        return refuse(request, HTTPStatus.UNAUTHORIZED, "")

    async def _may_enter(self, request: web.Request) -> bool:
        path = request.path
        if self._password is None or session_of(request).authenticated:
            return True
        if path in OPEN_PATHS or path.startswith(STATIC):
            return True
        password = basic_password(request) if request.method in SAFE_METHODS else None
        if password is None:
            return False
        return not await self._password.refusal(request.remote or "", password)
