"""The connections to Microsoft, for Graph and for sign-in.

Never follows a redirect: a token goes where it was meant to go. Never tells a proxy's password.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from yarl import URL

from bridge import __version__
from bridge.config.authorities import OTHER_NAME, WRONG_DATES, authorities, trusted
from bridge.config.tables.config import NetworkSettings
from bridge.config.tables.proxy import proxy_address
from bridge.microsoft.http import BODY_LIMIT, Fault, Http, HttpError, HttpRequest, HttpResponse

USER_AGENT = f"presence-bridge/{__version__}"
CONNECTIONS = 20
"""At once to one host; one that hangs costs the others nothing."""
KEPT_S = 15.0
"""A connection that nobody uses is kept for so long."""
REDIRECTS = (301, 302, 303, 307, 308)

_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (TimeoutError, Fault.SLOW),
    (aiohttp.ClientConnectorDNSError, Fault.NO_NAME),
    (aiohttp.ClientProxyConnectionError, Fault.NO_PROXY),
    (aiohttp.ClientConnectorSSLError, Fault.NOT_SECURE),
    (aiohttp.ClientConnectorError, Fault.NO_CONNECTION),
    (aiohttp.ClientHttpProxyError, Fault.PROXY_REFUSES),
    (aiohttp.InvalidURL, Fault.PROXY_ADDRESS),  # our own addresses were checked with the config
    (aiohttp.ClientPayloadError, Fault.BROKEN),
    (aiohttp.ClientConnectionError, Fault.BROKEN),
    (OSError, Fault.BROKEN),
)


def failure(error: BaseException, settings: NetworkSettings) -> HttpError:
    """What ``error`` of aiohttp means, for people, with what helps to find it."""
    fault = next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.STRANGER)
    detail: str | None = None
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        fault = _distrust(error, settings)
        detail = getattr(error.certificate_error, "verify_message", "").rstrip(".")
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        detail = f"HTTP {error.status}"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        detail = error.host
    elif fault in (Fault.NO_CONNECTION, Fault.NO_PROXY) and isinstance(error, OSError):
        detail = os.strerror(error.errno) if error.errno else None
    return HttpError(fault, detail, text=fault.format(*trusted(settings)))


def _distrust(error: aiohttp.ClientConnectorCertificateError, settings: NetworkSettings) -> Fault:
    code = getattr(error.certificate_error, "verify_code", None)
    if code in WRONG_DATES:
        return Fault.NOT_NOW
    if code in OTHER_NAME:
        return Fault.OTHER_NAME
    return Fault.NOT_BY_FILE if trusted(settings)[1] else Fault.UNTRUSTED


def proxy_for(settings: NetworkSettings, host: str) -> str | None:
    """The proxy to reach ``host`` through, if any; ``HttpError`` where it cannot be used."""
    if settings.proxy:
        return settings.proxy
    if proxy_bypass(host):
        return None
    try:
        return proxy_address(getproxies().get("https", "")) or None
    except ValueError as error:
        raise HttpError(Fault.PROXY_ADDRESS, text=f"HTTPS_PROXY {error}") from error


class _Response(aiohttp.ClientResponse):
    """Gives its connection up after a 503 (Microsoft Graph documentation, "best practices")."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the headers; a short answer has then come whole and is off its connection."""
        protocol = connection.protocol
        await super().start(connection)
        if self.status == 503 and protocol is not None:  # noqa: PLR2004 - Service Unavailable
            protocol.force_close()
            if self.connection is None:
                protocol.close()
        return self


@asynccontextmanager
async def aiohttp_client(
    settings: NetworkSettings, *, kept_s: float = KEPT_S, resolver: AbstractResolver | None = None
) -> AsyncIterator[Http]:
    """An ``Http`` over one session of aiohttp, as ``[network]`` says. Raises as ``authorities``."""
    names = _Names(resolver or aiohttp.ThreadedResolver())
    connector = aiohttp.TCPConnector(
        ssl=authorities(settings),
        limit=0,
        limit_per_host=CONNECTIONS,
        keepalive_timeout=kept_s,
        resolver=names,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),  # one person's are never sent with another's
        response_class=_Response,
    ) as session:
        yield _Client(session, settings, names)


class _Names(AbstractResolver):
    """Notes which names are being looked up: their silence is none of Microsoft's."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver, self._pending = resolver, Counter[str]()

    def waits_for(self, host: str) -> bool:
        return self._pending[host] > 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self._pending[host] += 1
        try:
            return await self._resolver.resolve(host, port, family)
        finally:
            self._pending[host] -= 1

    async def close(self) -> None:
        await self._resolver.close()


class _Client:
    """``Http`` over a session."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: NetworkSettings, names: _Names
    ) -> None:
        self._session, self._settings, self._names = session, settings, names
        self._proxy_for = cache(partial(proxy_for, settings))
        """Once a host: to look through the environment takes as long as to send a request."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        proxy = self._proxy_for(urlsplit(request.url).hostname or "")
        try:
            async with asyncio.timeout(request.deadline_s):
                try:
                    return await self._exchange(request, proxy)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    repeats = request.only_reads and request.method != "GET"  # aiohttp does those
                    if not repeats or isinstance(error, aiohttp.ClientConnectorError):
                        raise
                    return await self._exchange(request, proxy)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._failure(error, proxy or request.url) from error

    async def _exchange(self, request: HttpRequest, proxy: str | None) -> HttpResponse:
        async with self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            proxy=proxy,
            timeout=aiohttp.ClientTimeout(),
            allow_redirects=False,
        ) as response:
            body = await _limited(response)
        if response.status in REDIRECTS and "Location" in response.headers:
            raise _elsewhere(response.headers["Location"])
        return HttpResponse(response.status, response.headers, body)

    def _failure(self, error: Exception, address: str) -> HttpError:
        if isinstance(error, TimeoutError):
            host = urlsplit(address).hostname or ""
            if self._names.waits_for(host):
                return HttpError(Fault.NO_NAME_SERVER, host)
        return failure(error, self._settings)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            response.close()
            raise HttpError(Fault.ENDLESS)
    return bytes(body)


def _elsewhere(location: str) -> HttpError:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return HttpError(Fault.ELSEWHERE, host)
