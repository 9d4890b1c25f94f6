"""What msal takes as its ``http_client``: it sends on the event loop, as all of ours is sent.

So proxy, authorities, deadline and redirects have one set of rules, and who is cancelled ends
the request at once. msal reads answers without a look, so only Microsoft's own reach it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.retry import retry_after_s
from bridge.microsoft.http import OK, Fault, Http, HttpError, HttpRequest, HttpResponse
from bridge.microsoft.sign_in.genuine_answers import (
    Answer,
    Purpose,
    fields_of,
    is_good,
    is_numbered,
    is_refusal,
)
from bridge.microsoft.sign_in.remedies import explain, of_discovery

log = logging.getLogger(__name__)

INTERRUPTED = "Microsoft's sign-in was interrupted"
UNREACHABLE = "Microsoft's sign-in cannot be reached: {}"
TOO_MANY, SERVER_ERROR = 429, 500


class MsalRequests:
    """What msal takes as its ``http_client``; for workers only, one at a time."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._gate = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where requests are sent; ``None`` while they are refused."""
        self._sending: concurrent.futures.Future[HttpResponse] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a worker send requests on ``loop``."""
        with self._gate:
            self._loop = loop

    def interrupt(self) -> None:
        """End the request that waits, and refuse others until the next beginning."""
        with self._gate:
            self._loop = None
            if self._sending is not None:
                self._sending.cancel()

    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> MsalResponse:
        """As msal calls it."""
        return self._exchange(_request("GET", url, params, headers), Purpose.DISCOVERY)

    def post(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | str | None = None,
        headers: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> MsalResponse:
        """As msal calls it."""
        form = data if isinstance(data, str) else urlencode(_given(data), doseq=True)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        request = _request("POST", url, params, {**(headers or {}), **kind}, form.encode())
        return self._exchange(request, Purpose.TOKENS if "grant_type=" in form else Purpose.CODE)

    def _exchange(self, request: HttpRequest, expected: Purpose) -> MsalResponse:
        """The answer, when it is Microsoft's; ``SourceUnavailableError`` for any other."""
        response = self._send(request)
        if is_good(response, expected):
            return MsalResponse(response)
        _log_failure(request, response)
        if is_refusal(response):
            if expected is Purpose.DISCOVERY:  # msal would lose what was said
                raise RefusedDiscovery(of_discovery(fields_of(response)))
            return MsalResponse(response)
        if response.status == TOO_MANY or response.status >= SERVER_ERROR:
            text = f"Microsoft's sign-in fails (HTTP {response.status})"
            if is_numbered(response):
                text = explain(fields_of(response)).text.rstrip(".")
            wait_s = retry_after_s(response.headers, self._clock)
            raise SourceUnavailableError(text, retry_after_s=wait_s)
        status = "" if response.status == OK else f" (HTTP {response.status})"
        raise SourceUnavailableError(UNREACHABLE.format(f"{Fault.STRANGER}{status}"))

    def _send(self, request: HttpRequest) -> HttpResponse:
        _refuse_the_loop()
        with self._gate:
            if self._loop is None or self._loop.is_closed():
                raise SourceUnavailableError(INTERRUPTED, reached=False)
            sending = asyncio.run_coroutine_threadsafe(self._http.send(request), self._loop)
            self._sending = sending
        try:
            return sending.result()
        except concurrent.futures.CancelledError:
            raise SourceUnavailableError(INTERRUPTED, reached=False) from None
        except HttpError as error:
            raise SourceUnavailableError(UNREACHABLE.format(error), reached=False) from error
        finally:
            self._sending = None


class MsalResponse:
    """An answer in the shape that msal reads."""

    def __init__(self, response: HttpResponse) -> None:
        self.status_code = response.status
        self.text = response.body.decode(errors="replace")
        self.headers = dict(response.headers)

    def raise_for_status(self) -> None:
        """Do nothing: what msal gets is an answer or a refusal that it reads itself."""


class RefusedDiscovery(Exception):  # noqa: N818 - an answer, carried past msal
    """Microsoft refuses already when its addresses are looked up: there is no such tenant."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _refuse_the_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("msal blocks: it must run on a worker")


def _request(
    method: str,
    url: str,
    params: Mapping[str, Any] | None,
    headers: Mapping[str, Any] | None,
    body: bytes | None = None,
) -> HttpRequest:
    query = urlencode(_given(params), doseq=True)
    address = f"{url}{'&' if '?' in url else '?'}{query}" if query else url
    return HttpRequest(method, address, headers=_given(headers), body=body)


def _given(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (fields or {}).items() if value is not None}


def _log_failure(request: HttpRequest, response: HttpResponse) -> None:
    log.debug(
        "sign-in %s answered %d: x-ms-request-id %s, client-request-id %s, Date %s",
        urlsplit(request.url).path,
        response.status,
        response.headers.get("x-ms-request-id"),
        response.headers.get("client-request-id"),
        response.headers.get("Date"),
    )
