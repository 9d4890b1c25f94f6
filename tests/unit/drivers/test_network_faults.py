"""What goes wrong on a network, and how long a device asks to be left alone."""

from __future__ import annotations

import http.client
import socket
import ssl
from email.message import Message
from typing import Any, cast

import pytest

from bridge.contract.errors import LightUnreachableError
from drivers.network.network_faults import check_is_ready, fault_text

SECRET = http.client.InvalidURL("URL can't contain control characters. '/api/the-key'")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError("timed out"), "does not answer"),
        (ConnectionRefusedError(111, "Connection refused"), "refuses connections"),
        (socket.gaierror(-2, "Name or service not known"), "has no address: no such name"),
        (http.client.RemoteDisconnected("Remote end closed"), "breaks the connection"),
        (ssl.SSLEOFError(8, "EOF occurred"), "breaks the connection"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "does not speak TLS as it should"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host"),
        (SECRET, "breaks the connection"),
        (RuntimeError("odd"), "fails: odd"),
        (RuntimeError(), "fails: RuntimeError"),
    ],
)
def test_each_fault_has_words_that_follow_a_name(error: Exception, text: str) -> None:
    assert fault_text(error) == text


class Answer:
    def __init__(self, status: int, **headers: str) -> None:
        self.status, self.headers = status, Message()
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value


MIDNIGHT, LATER = "Fri, 27 Nov 2026 00:00:00 GMT", "Fri, 27 Nov 2026 00:00:20 GMT"


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        (Answer(503), None),
        (Answer(429, Retry_After="7"), 7),
        (Answer(429, Retry_After="0"), 1),
        (Answer(503, Retry_After="999999"), 3600),
        (Answer(503, Retry_After=LATER, Date=MIDNIGHT), 20),
        (Answer(500, Retry_After="soon"), None),
    ],
)
def test_who_is_busy_is_left_alone_for_as_long_as_it_asks(
    answer: Any, wait_s: float | None
) -> None:
    with pytest.raises(LightUnreachableError, match=f"the lamp answers HTTP {answer.status}") as it:
        check_is_ready("the lamp", answer)
    assert it.value.retry_after_s == wait_s


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404])
def test_every_other_answer_is_for_whoever_asked(status: int) -> None:
    check_is_ready("the lamp", cast("Any", Answer(status)))
