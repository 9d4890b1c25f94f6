"""One HTTP call after the other from a light's own thread; what comes back in the words of lights.

http.client and not aiohttp: it is in memory anyway, and a lamp sends a request now and then. No
redirect is followed: it would carry the credentials to whoever is named. No error names more of an
address than its host: the rest may be a secret. Each call has a connection of its own, so that no
small device is kept busy, and a host that has moved is looked up anew.
"""

from __future__ import annotations

import http.client
import secrets
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit

from bridge.config.authorities import naming
from bridge.contract.errors import ConfigError, LightRefusedError, LightUnreachableError
from drivers.blocking import CutOff, Worker, cut_when_cancelled
from drivers.network.http_digest import Login, authorization
from drivers.network.network_faults import check_is_ready, fault_text

_LARGEST_ANSWER = 256 * 1024
_NO_ACCESS = {401, 403}


@dataclass(frozen=True)
class Request:
    """What is sent; only its method may be shown."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    login: Login | None = field(default=None, repr=False)
    """It answers a challenge; nothing of it is sent before."""

    @property
    def target(self) -> str:
        """What stands in the first line of the request."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def host(self) -> str:
        """Scheme, host and port, for people."""
        return _host(self.url)


class HttpCalls:
    """Sends requests; one that is cancelled is cut off, so that a later one need not wait."""

    def __init__(self, worker: Worker, *, timeout_s: float, ca_file: Path | None = None) -> None:
        self._worker, self._timeout_s, self._ca_file = worker, timeout_s, ca_file

    async def __call__(self, make: Callable[[], Request]) -> bytes:
        """The body of the answer to the request that ``make`` makes, on the thread."""
        return await cut_when_cancelled(self._worker, partial(self._sent, make))

    def _sent(self, make: Callable[[], Request], cut: CutOff) -> bytes:
        request = make()
        exchange = partial(self._exchanged, cut=cut)
        try:
            response, content = exchange(request)
            if response.status == http.client.UNAUTHORIZED and request.login:
                asked = response.headers.get_all("WWW-Authenticate", [])
                if answer := _answer(request, request.login, asked):
                    headers = {**request.headers, "Authorization": answer}
                    response, content = exchange(replace(request, headers=headers))
        except ssl.SSLCertVerificationError as error:
            raise LightRefusedError(
                f"{request.host} shows a certificate that is not trusted: {error.verify_message}.",
                remedy="Set ca_file to the CA that has signed it; the name in it is that of url.",
            ) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise LightUnreachableError(f"{request.host} {fault_text(error)}") from error
        _judge(request, response)
        return content

    def _exchanged(
        self, request: Request, *, cut: CutOff
    ) -> tuple[http.client.HTTPResponse, bytes]:
        with closing(self._connection(request.url)) as connection:
            connection.connect()
            cut.watch(connection.sock)  # which it forgets before the answer is read
            headers = {"User-Agent": "presence-driver", "Connection": "close", **request.headers}
            connection.request(request.method, request.target, request.body, headers)
            with connection.getresponse() as response:
                return response, response.read(_LARGEST_ANSWER)

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=self._timeout_s, context=self._tls
            )
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout_s)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts whom ``ca_file`` names, or the system's authorities."""
        if self._ca_file is None:
            return ssl.create_default_context()
        try:
            with naming("ca_file", self._ca_file):
                context = ssl.create_default_context(cafile=self._ca_file)
        except ConfigError as error:
            raise LightRefusedError(f"{error}.", remedy="") from error
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as bridge.config.authorities
        return context


def _answer(request: Request, login: Login, asked: list[str]) -> str | None:
    method, cnonce = request.method, secrets.token_hex(16)
    return authorization(asked, login, method=method, target=request.target, cnonce=cnonce)


def _judge(request: Request, response: http.client.HTTPResponse) -> None:
    status, host = response.status, request.host
    if 200 <= status < 300:  # noqa: PLR2004 - all that mean success
        return
    check_is_ready(host, response)
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        raise LightRefusedError(
            f"{host} has moved: HTTP {status}{_to(response)}.",
            remedy="Write the new address; no redirect is followed.",
        )
    if status in _NO_ACCESS:
        scheme = response.headers.get("WWW-Authenticate", "").partition(" ")[0]
        asks = f", and asks for {scheme}" if scheme.isalpha() else ""
        raise LightRefusedError(
            f"{host} refuses access: HTTP {status}{asks}.",
            remedy="Correct username and password_file, or token_file.",
        )
    raise LightRefusedError(
        f"{host} rejects the request: HTTP {status}.",
        remedy="Correct address, method and body.",
    )


def _to(response: http.client.HTTPResponse) -> str:
    """Where a redirect leads, without what may be a secret."""
    with suppress(ValueError):
        location = response.headers.get("Location", "")
        if location.startswith(("http://", "https://")):
            return f" to {_host(location)}"
    return ""


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
