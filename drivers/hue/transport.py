"""One kept-alive connection to a hub, https or http, used from the lamp's own thread.

A hub's certificate names its id and is signed by itself or by its maker, so neither its name nor a
usual authority can be checked: the certificate seen at pairing is the one that counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, ParamSpec, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.blocking import Worker

P = ParamSpec("P")
T = TypeVar("T")

Protocol = Literal["https", "http"]

END_S = 1.0
"""A call that hangs is not waited for any longer at the end."""

_TOO_MANY_REQUESTS, _SERVER_ERROR, _REDIRECT = 429, 500, 300
_LARGEST_REPLY = 4 * 1024 * 1024
_GONE = (
    ConnectionResetError,
    BrokenPipeError,
    http.client.RemoteDisconnected,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""What a connection that the hub has closed meanwhile brings, also after its reboot."""


class NoTlsError(LightUnreachableError):
    """Nobody speaks TLS there: an old hub, or one that is just starting. Stays inside of here."""


class Transport:
    """Exchanges JSON with the hub at ``address``; all but ``abandon`` block.

    Used by one thread at a time; ``abandon`` may come from any other.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._protocol: Protocol = "https"
        self._pin: str | None = None
        self._connection: http.client.HTTPConnection | None = None
        self.is_abandoned = False

    def use(self, protocol: Protocol, *, pin: str | None = None) -> None:
        """Speak ``protocol`` from now on, over https to nobody without the certificate ``pin``.

        Without a pin any certificate is accepted: for the first look at a hub, without a key.
        """
        self.close()
        self._protocol, self._pin = protocol, pin

    def fingerprint(self) -> str:
        """SHA-256 of the hub's certificate, in hexadecimal.

        Raises:
            NoTlsError: It speaks no TLS.
            LightUnreachableError: It does not answer.
            LightRefusedError: It is not the pinned one.
        """
        return _fingerprint(self.connected())

    def exchange(self, method: str, path: str, body: Any = None) -> Any:
        """The hub's JSON answer. Asks a second time on a connection that went stale.

        Raises:
            LightUnreachableError: It does not answer, or asks to wait.
            LightRefusedError: It is not the pinned one, or no hub.
        """
        text = None if body is None else json.dumps(body)
        reused = self._connection is not None
        try:
            try:
                response, content = self._ask(method, path, text)
            except _GONE:
                self.close()
                if not reused or method == "POST" or self.is_abandoned:
                    raise
                response, content = self._ask(method, path, text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise LightUnreachableError(f"the hub at {self.address}: {text_of(error)}") from error
        return self._parsed(response, content)

    def begin(self) -> None:
        """Forget an ``abandon``: something new begins."""
        self.is_abandoned = False

    def abandon(self) -> None:
        """Make what hangs on another thread end soon; until ``begin`` nothing more is sent."""
        self.is_abandoned = True
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(
        self, method: str, path: str, text: str | None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self.connected()
        if self.is_abandoned:
            raise TimeoutError("given up")
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read(_LARGEST_REPLY)
        if response.will_close:
            self.close()
        return response, content

    def connected(self) -> http.client.HTTPConnection:
        """The connection, made where there is none. Raises as ``fingerprint`` does."""
        if self._connection is not None:
            return self._connection
        connection = self._new()
        self._connection = connection
        try:
            connection.connect()
        except (ConnectionRefusedError, ConnectionResetError, ssl.SSLError) as error:
            self.close()
            raise self._no_connection(error) from error
        except OSError as error:
            self.close()
            raise LightUnreachableError(f"the hub at {self.address}: {text_of(error)}") from error
        if self._protocol == "https" and self._pin is not None:
            self._check_pin(connection, self._pin)
        return connection

    def _new(self) -> http.client.HTTPConnection:
        if self._protocol == "http":
            return http.client.HTTPConnection(self.address, timeout=self._timeout_s)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self.address, timeout=self._timeout_s, context=context)

    def _no_connection(self, error: OSError) -> LightUnreachableError:
        text = f"the hub at {self.address}: {text_of(error)}"
        return NoTlsError(text) if self._protocol == "https" else LightUnreachableError(text)

    def _check_pin(self, connection: http.client.HTTPConnection, pin: str) -> None:
        if not hmac.compare_digest(_fingerprint(connection), pin):
            self.close()
            raise LightRefusedError(
                f"{self.address} shows another certificate than the hub that was paired.",
                remedy="Correct hub in the config, or pair again if the hub is new or was reset.",
            )

    def _parsed(self, response: http.client.HTTPResponse, content: bytes) -> Any:
        if response.status == _TOO_MANY_REQUESTS or response.status >= _SERVER_ERROR:
            asked = response.headers.get("Retry-After", "")
            raise LightUnreachableError(
                f"the hub at {self.address} is busy (HTTP {response.status})",
                retry_after_s=float(asked) if asked.isdecimal() else None,
            )
        with suppress(ValueError):
            if response.status < _REDIRECT:
                return json.loads(content)
        raise LightRefusedError(
            f"{self.address} answers over {self._protocol}, but not as a Hue hub.",
            remedy="Correct hub in the config; pair again if the hub now wants https.",
        )


class Calls:
    """Runs what uses ``transport`` on ``worker``; who takes longer than ``within_s`` is cut off.

    The socket's own time-out is not enough: it starts anew with every byte that drips in.
    """

    def __init__(self, worker: Worker, transport: Transport, *, within_s: float) -> None:
        self._worker, self.transport, self._within_s = worker, transport, within_s

    async def __call__(
        self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
    ) -> T:
        """What ``function`` returns or raises.

        Raises:
            LightUnreachableError: It took too long.
        """

        def begin() -> T:
            self.transport.begin()
            return function(*arguments, **keywords)

        async def called() -> T:
            try:
                return await self._worker(begin)
            except asyncio.CancelledError:
                self.transport.abandon()
                raise

        try:
            return await within(self._within_s, called())
        except TimeoutError:
            raise LightUnreachableError(
                f"the hub at {self.transport.address} did not answer within {self._within_s:g} s"
            ) from None

    async def end(self) -> None:
        """Cut off what still runs, and drop the connection."""
        self.transport.abandon()
        with suppress(TimeoutError):
            await within(END_S, self._worker(self.transport.close))


def _fingerprint(connection: http.client.HTTPConnection) -> str:
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert(binary_form=True)
    return hashlib.sha256(certificate or b"").hexdigest()


def text_of(error: Exception) -> str:
    """What went wrong, for people: some of these errors have no text."""
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, (*_GONE, http.client.IncompleteRead)):
        return "broke the connection"
    return str(error) or type(error).__name__
