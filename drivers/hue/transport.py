"""One kept-alive connection to a hub, https or http, used from the lamp's own thread.

A hub's certificate names its id and is signed by itself or by its maker, so neither its name nor a
usual authority can be checked: the certificate seen at pairing is the one that counts.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.blocking import CutOff
from drivers.network.network_faults import check_is_ready, fault_text

Protocol = Literal["https", "http"]

END_S = 1.0
"""A call that hangs is not waited for any longer at the end."""
_REDIRECT = 300
_LARGEST_REPLY = 4 * 1024 * 1024
_NO_TLS = (ConnectionRefusedError, ConnectionResetError, ssl.SSLError)
_GONE = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What a connection that the hub has closed meanwhile brings, also after its reboot."""


class NoTlsError(LightUnreachableError):
    """Nobody speaks TLS there: an old hub, or one that is just starting. Stays inside of here."""


class Transport:
    """Exchanges JSON with the hub at ``address``. Every method blocks; one thread at a time."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self.address = address
        self.cut = CutOff()
        """Of the call that uses it now."""
        self.pin: str | None = None
        """The certificate without which nobody is spoken to, from the next connection on."""
        self._timeout_s = timeout_s
        self._protocol: Protocol = "https"
        self._connection: http.client.HTTPConnection | None = None

    @property
    def who(self) -> str:
        """The hub, for people."""
        return f"the hub at {self.address}"

    def connect(self, protocol: Protocol, pin: str | None = None) -> str | None:
        """Speak ``protocol`` from now on; SHA-256 of the certificate, ``None`` over http."""
        self.close()
        self._protocol, self.pin = protocol, pin
        return _fingerprint(self._connected())

    def exchange(self, method: str, path: str, body: Any = None) -> Any:
        """The hub's JSON answer. Sent a second time where a kept connection had gone stale."""
        text = None if body is None else json.dumps(body)
        is_kept = self._connection is not None and method != "POST"
        try:
            try:
                response, content = self._exchanged(method, path, text)
            except _GONE:
                self.close()
                if not is_kept or self.cut.is_set:
                    raise
                response, content = self._exchanged(method, path, text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise LightUnreachableError(f"{self.who} {fault_text(error)}") from error
        check_is_ready(self.who, response)
        with suppress(ValueError):
            if response.status < _REDIRECT:
                return json.loads(content)
        raise LightRefusedError(
            f"{self.address} answers over {self._protocol}, but not as a Hue hub.",
            remedy="Correct hub in the config; pair again if the hub now wants https.",
        )

    def answer(
        self, method: str, path: str, text: str | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """What begins to answer; raises as the socket does."""
        connection = self._connected()
        self.cut.watch(connection.sock)
        connection.request(method, path, text, dict(headers))
        return connection.getresponse()

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchanged(
        self, method: str, path: str, text: str | None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        response = self.answer(method, path, text, {"Content-Type": "application/json"})
        content = response.read(_LARGEST_REPLY)
        if response.will_close:
            self.close()
        return response, content

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None:
            return self._connection
        self._connection = connection = _new(self._protocol, self.address, self._timeout_s)
        try:
            connection.connect()
        except OSError as error:
            self.close()
            no_tls = self._protocol == "https" and isinstance(error, _NO_TLS)
            kind = NoTlsError if no_tls else LightUnreachableError
            raise kind(f"{self.who} {fault_text(error)}") from error
        if self.pin and _fingerprint(connection) != self.pin:
            self.close()
            raise LightRefusedError(
                f"{self.address} shows another certificate than the hub that was paired.",
                remedy="Correct hub in the config, or pair again if the hub is new or was reset.",
            )
        return connection


def _new(protocol: Protocol, address: str, timeout_s: float) -> http.client.HTTPConnection:
    if protocol == "http":
        return http.client.HTTPConnection(address, timeout=timeout_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, timeout=timeout_s, context=context)


def _fingerprint(connection: http.client.HTTPConnection) -> str | None:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    return hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
