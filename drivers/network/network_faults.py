"""What went wrong on a network, in words that follow the name of who was called."""

from __future__ import annotations

import http.client
import socket
import ssl

from bridge.contract.clock import SystemClock
from bridge.contract.errors import LightUnreachableError
from bridge.contract.retry import retry_after_s

_TEXTS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((TimeoutError,), "does not answer"),
    ((ConnectionRefusedError,), "refuses connections"),
    ((socket.gaierror, UnicodeError), "has no address: no such name"),
    ((ConnectionError, http.client.HTTPException, ssl.SSLEOFError), "breaks the connection"),
    ((ssl.SSLError,), "does not speak TLS as it should"),
)
"""The first that fits. The text of an HTTPException may have the address, and that a secret."""
_PASSES = {408, 423, 425, 429}
_SERVER_ERROR = 500
_SHORTEST_WAIT_S = 1.0
"""A device that asks for no wait at all is not called in a loop."""


def fault_text(error: BaseException) -> str:
    """What ``error`` means, or the one of the system that a library has wrapped in it."""
    if isinstance(error.__context__, OSError) and not isinstance(error, OSError):
        error = error.__context__
    for types, text in _TEXTS:
        if isinstance(error, types):
            return text
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached: {error.strerror}"
    return f"fails: {str(error) or type(error).__name__}"


def check_is_ready(who: str, response: http.client.HTTPResponse) -> None:
    """Raise where the answer asks to come back later, with the wait that it asks for, if any."""
    status, headers = response.status, response.headers
    if status not in _PASSES and status < _SERVER_ERROR:
        return
    wait_s = retry_after_s(headers, SystemClock())
    raise LightUnreachableError(
        f"{who} answers HTTP {status}",
        retry_after_s=None if wait_s is None else max(_SHORTEST_WAIT_S, wait_s),
    )
