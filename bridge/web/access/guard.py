"""Who may look and who may change something: the middleware before every page. Never renders one.

In order: the proxy or client is allowed at all, ``Host`` is ours, what changes something comes from
our own page and carries its token, and the password was given where one is needed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from bridge.config.web import WebSettings
from bridge.contract.clock import Clock
from bridge.web.access.addresses import address_of, is_among, source_of
from bridge.web.access.door import Door
from bridge.web.access.hosts import may_name
from bridge.web.access.sessions import LIFETIME, Session, Sessions
from bridge.web.body import fields_of
from bridge.web.connections import SOFTWARE, came_whole
from bridge.web.faults import Faults
from bridge.web.render.forms import TOKEN

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/enter"})
"""Needed without the password; nothing private is there."""
STATIC = "/static/"
PATH_TOLD = 80
FAILED = "The bridge failed at this. Please report it: the log tells more."
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Server": SOFTWARE,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""On every answer. An ingress shows the page in a frame of its own origin."""
_SAFE = frozenset({"GET", "HEAD"})
_SESSION = web.RequestKey("session", Session)
_TRUSTED = web.RequestKey("trusted", bool)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.Request, HTTPStatus, str], web.Response]


class Guard:
    """Stands before every handler; opens and ends sessions."""

    def __init__(
        self,
        settings: WebSettings,
        *,
        names: frozenset[str],
        sessions: Sessions,
        door: Door | None,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        self._settings, self._sessions, self._door = settings, sessions, door
        self._names = names | set(settings.hosts)
        self._clock, self._random = clock, random
        self._cookie = f"presence_session_{settings.port}"
        self._faults = Faults()

    async def pass_on(
        self, request: web.Request, handler: Handler, *, refuse: Refuse
    ) -> web.StreamResponse:
        """Let through what may pass, and put the safety headers on every answer."""
        trusted = self._begin(request)
        if request.method in _SAFE:
            came_whole(request)
        response: web.StreamResponse
        try:
            stopped = await self._stop(request, refuse, trusted=trusted)
            response = stopped or await handler(request)
        except web.HTTPException as error:
            response = refuse(request, HTTPStatus(error.status), error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except ConnectionError:
            raise
        except Exception as error:
            self._faults.tell(error, f"the page, {request.method} {request.path[:PATH_TOLD]}")
            if request.writer.output_size:  # half an answer cannot become another one
                raise ConnectionAbortedError from error
            response = refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)
        if not response.prepared:
            response.headers.update({k: v for k, v in HEADERS.items() if k not in response.headers})
            self._remember(request, response)
        return response

    async def enter(self, request: web.Request, password: str) -> str | None:
        """Open a session for who knows the password; else the reason why not."""
        refusal = await self._door.refusal(request.remote or "", password) if self._door else None
        if refusal is None:
            self._renew(request, known=True)
        return refusal

    def leave(self, request: web.Request) -> None:
        """End the reader's session, for all who hold its cookie."""
        self._sessions.end(session_of(request), self._clock.now())
        self._renew(request, known=False)

    def can_leave(self, request: web.Request) -> bool:
        """Whether the reader came in by the password."""
        return self._door is not None and session_of(request).known

    def reader_of(self, request: web.Request) -> str:
        """Who is counted as one reader: a session that knows the password, else a source.

        A trusted proxy says for whom it asks.
        """
        session = session_of(request)
        if session.known:
            return session.cookie
        forwarded = request.headers.get("X-Forwarded-For", "") if request[_TRUSTED] else ""
        return source_of(forwarded.rpartition(",")[2].strip() or request.remote)

    def _begin(self, request: web.Request) -> bool:
        """Find the reader's session or make one; whether a trusted proxy speaks."""
        cookie = request.cookies.get(self._cookie)
        known = self._sessions.recognise(cookie, self._clock.now())
        if known:
            request[_SESSION] = known
        else:
            self._renew(request, known=False)
        request[_TRUSTED] = is_among(request.remote, self._settings.proxies)
        return request[_TRUSTED]

    def _renew(self, request: web.Request, *, known: bool) -> None:
        request[_SESSION] = self._sessions.begin(self._random, self._clock.now(), known=known)

    async def _stop(
        self, request: web.Request, refuse: Refuse, *, trusted: bool
    ) -> web.Response | None:
        """The answer to a request that may not pass."""
        if not (trusted or self._door or self._settings.is_local):
            return refuse(request, HTTPStatus.FORBIDDEN, "Come through the proxy.")
        if not self._is_host_ours(request, trusted=trusted):
            text = (
                "This name is not known here: list it under hosts in [web] of the config, "
                'or as in PRESENCE_WEB__HOSTS=["presence.example.org"].'
            )
            return refuse(request, HTTPStatus.MISDIRECTED_REQUEST, text)
        if request.method not in _SAFE and (unknown := request.match_info.http_exception):
            raise unknown
        if request.method not in _SAFE and not await self._is_ours(request):
            text = "This form is too old or not from here. Load the page and try again."
            return refuse(request, HTTPStatus.FORBIDDEN, text)
        if trusted or await self._may_enter(request):
            return None
        if _is_from_elsewhere(request):
            # SameSite=Strict keeps the cookie back after a foreign link: come again by ourselves
            return web.Response(headers={"Refresh": "0; url=./"})
        return refuse(request, HTTPStatus.UNAUTHORIZED, "")

    def _is_host_ours(self, request: web.Request, *, trusted: bool) -> bool:
        """A trusted proxy answers for the name; a browser can stand on this machine itself."""
        if self._door and not trusted:
            return True
        address = address_of(request.remote)
        is_elsewhere = address is not None and not address.is_loopback
        return (trusted and is_elsewhere) or self._are_ours(request)

    def _are_ours(self, request: web.Request) -> bool:
        """Whether all that the request says of the name is ours.

        An absolute target counts before the header (RFC 9112, 3.2.2): neither stands for the other.
        Where both are missing, aiohttp would ask the network for this machine's name.
        """
        if "Host" not in request.headers:
            return False
        return all(may_name(name, self._names) for name in (request.headers["Host"], request.host))

    async def _is_ours(self, request: web.Request) -> bool:
        """Whether a request that changes something comes from our own page.

        The token decides; what the browser says of the sender is asked first (Fetch Metadata).
        """
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return False
        token = (await fields_of(request)).get(TOKEN, "")
        return self._sessions.is_token(session_of(request), token)

    async def _may_enter(self, request: web.Request) -> bool:
        path = request.path
        if self._door is None or session_of(request).known:
            return True
        if path in OPEN_PATHS or path.startswith(STATIC):
            return True
        password = _basic_password(request) if request.method in _SAFE else None
        return password is not None and not await self._door.refusal(request.remote or "", password)

    def _remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Give the reader of a page the cookie of the session, when it is a new one."""
        cookie = session_of(request).cookie
        is_page = response.content_type == "text/html" or response.status == HTTPStatus.SEE_OTHER
        if not is_page or request.cookies.get(self._cookie) == cookie:
            return
        by_tls = request.headers.get("X-Forwarded-Proto") == "https" and request[_TRUSTED]
        response.set_cookie(
            self._cookie,
            cookie,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=request.secure or by_tls,
        )


def session_of(request: web.Request) -> Session:
    """The session of a request that passed the guard."""
    return request[_SESSION]


def _is_from_elsewhere(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    return request.path == "/" and site in ("cross-site", "same-site")


def _basic_password(request: web.Request) -> str | None:
    """The password of a program such as Prometheus (RFC 7617); its user name is not looked at."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
