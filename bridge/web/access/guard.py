"""The middleware before every page: asks each policy of this room in turn, safest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from bridge.config.state_file import StateFile
from bridge.config.tables.web import WebSettings
from bridge.contract.supervised import Faults
from bridge.web.access import csrf
from bridge.web.access.hosts import names_us
from bridge.web.access.one_time_link import OneTimeLink
from bridge.web.access.password_check import PasswordCheck, basic_password
from bridge.web.access.password_file import PasswordFile
from bridge.web.access.proxies import NOT_NAMED, Proxies, arrival_of
from bridge.web.access.sessions import Sessions, session_of
from bridge.web.render.forms import TOKEN
from bridge.web.serving.addresses import source_of
from bridge.web.serving.connections import came_whole
from bridge.web.serving.form_fields import fields_of

WATCHDOG = "/healthz"
"""Says that the process lives, to whoever asks and however; what watches it knows no password."""
OPEN_PATHS = frozenset({"/readyz", "/enter"})
"""Needed without the password; nothing private is there."""
NEWS = "/events"
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
Why = tuple[HTTPStatus, str]


class Guard:
    """Decides who may look and who may change something.

    ``names`` are those of this machine; ``ended`` is the file of ended sessions; ``password`` and
    its ``file`` are ``None`` where none is needed; ``link`` opens the page once without it.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        names: frozenset[str],
        sessions: Sessions,
        ended: StateFile,
        password: PasswordCheck | None,
        file: PasswordFile | None = None,
        link: OneTimeLink | None = None,
    ) -> None:
        self._settings, self._sessions, self._ended = settings, sessions, ended
        self._password, self._file, self._link = password, file, link
        self._names = names | set(settings.hosts)
        self._proxies = Proxies(settings)
        self._faults = Faults()

    async def pass_on(
        self, request: web.Request, handler: Handler, *, refuse: Refuse
    ) -> web.StreamResponse:
        """Let through what may pass, and refuse everything else."""
        if request.method in csrf.SAFE_METHODS:
            came_whole(request)
            if request.path == WATCHDOG:
                return await handler(request)
        self._proxies.look_at(request)
        self._sessions.find(request)
        response = await self._answer(request, handler, refuse)
        if not response.prepared:
            self._sessions.add_cookie(response, request)
        return response

    async def close(self) -> None:
        """Wait until it is written which sessions have ended."""
        await self._ended.close()

    async def follow_password(self, ended: Callable[[], None]) -> None:
        """Take each new password; it ends all sessions, and ``ended`` is called then."""
        if self._file and self._password:
            async for password in self._file.renewals():
                self._password.change(password)
                self._sessions.change_key(password.key)
                ended()

    def look_at_password(self) -> None:
        """Look at once whether there is a new password."""
        if self._file:
            self._file.look_now()

    async def enter(self, request: web.Request, password: str, *, key: str = "") -> str | None:
        """Open a session for who knows the password or has the one-time link; else why not."""
        refusal = None
        if key:
            refusal = None if self._link and self._link.use(key) else USED_LINK
        elif self._password:
            refusal = await self._password.refusal(arrival_of(request).reader, password)
        if refusal is None:
            self._sessions.enter(request)
        return refusal

    def leave(self, request: web.Request) -> None:
        """End the reader's session, for everybody who has its cookie."""
        self._sessions.leave(request)

    def can_leave(self, request: web.Request) -> bool:
        """Whether the reader came in by the password."""
        return self._password is not None and session_of(request).authenticated

    def may_stay(self, request: web.Request) -> bool:
        """Whether the reader of a request that goes on and on may still see what comes."""
        return self._sessions.recognise(session_of(request).cookie) is not None

    def reader_of(self, request: web.Request) -> str:
        """Who is counted as one reader: a session with the password, else a source."""
        session = session_of(request)
        return session.cookie if session.authenticated else source_of(arrival_of(request).reader)

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
        why = self._came_wrong(request) or await self._sent_by_others(request)
        if why:
            return refuse(request, *why)
        if arrival_of(request).trusted or await self._may_enter(request):
            return None
        site = request.headers.get("Sec-Fetch-Site")
        if request.path == "/" and site in ("cross-site", "same-site"):
            # a link on another site keeps our cookie back (``SameSite``); one of ours does not
            return web.Response(headers={"Refresh": "0; url=./"})
        return refuse(request, HTTPStatus.UNAUTHORIZED, "")

    def _came_wrong(self, request: web.Request) -> Why | None:
        """By a proxy that nobody named, past the one that is named, or under another name."""
        arrival = arrival_of(request)
        is_static = request.path.startswith(STATIC)  # the refusal is a page too
        if arrival.proxy and not (self._password or is_static):
            return HTTPStatus.FORBIDDEN, NOT_NAMED.format(proxy=arrival.proxy)
        if not (arrival.trusted or self._password or self._settings.is_local):
            return HTTPStatus.FORBIDDEN, NO_PROXY
        if self._password and not arrival.trusted:
            return None  # no cookie comes under another name
        if not names_us(request, self._names, trusted=arrival.trusted):
            return HTTPStatus.MISDIRECTED_REQUEST, OTHER_NAME
        return None

    async def _sent_by_others(self, request: web.Request) -> Why | None:
        """By a page of another origin, or by a form that is not of this session."""
        changes = request.method not in csrf.SAFE_METHODS
        if changes and (unknown := request.match_info.http_exception):
            raise unknown
        if changes or request.path == NEWS:
            hosts = arrival_of(request).hosts
            if not csrf.is_same_origin(request, forwarded=hosts, names=self._settings.hosts):
                return HTTPStatus.FORBIDDEN, csrf.OTHER_ORIGIN
        if changes:
            token = (await fields_of(request)).get(TOKEN, "")
            if not session_of(request).accepts(token):
                return HTTPStatus.FORBIDDEN, OTHER_FORM
        return None

    async def _may_enter(self, request: web.Request) -> bool:
        path = request.path
        if self._password is None or session_of(request).authenticated:
            return True
        if path in OPEN_PATHS or path.startswith(STATIC):
            return True
        password = basic_password(request) if request.method in csrf.SAFE_METHODS else None
        if password is None:
            return False
        return not await self._password.refusal(arrival_of(request).reader, password)
