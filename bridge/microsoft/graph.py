"""Requests to Microsoft Graph. A throttle is not waited out: the error carries the wait.

Source of the manners: Microsoft Graph documentation, "throttling guidance", "best practices".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from random import random as _random
from typing import Any, Protocol
from uuid import uuid4

from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError, SourceDataError, SourceUnavailableError
from bridge.contract.garbage_collection import uncollected
from bridge.contract.presence import Presence
from bridge.contract.retry import Random, full_jitter, retry_after_s
from bridge.microsoft.budget import Budget
from bridge.microsoft.graph_errors import claims_of, reason_of, refusal, refused
from bridge.microsoft.http import OK, Http, HttpError, HttpRequest, HttpResponse
from bridge.microsoft.presence import parse_presence

log = logging.getLogger(__name__)

PAGES_MOST = 1_000
"""Of 999 each: nobody has a million members."""
THROTTLE_FIRST_S, THROTTLE_MOST_S = 3.0, 180.0
"""Waits after a 429 that does not say how long, as Microsoft's own SDKs wait."""
_IS_JSON = {"Content-Type": "application/json"}


class TokenSource(Protocol):
    """Where access tokens come from."""

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token; ``claims`` answers a challenge, ``refresh`` replaces a refused one."""


class Graph:
    """Graph as one account sees it. Every request may raise.

    Raises:
        SourceUnavailableError: Try again, after the wait it carries.
        SourceDataError: The answer is not what it should be.
        SignInNeededError: The token is refused for good.
        AccessRefusedError: Signed in, but not allowed; ``remedy`` says what is missing.
    """

    def __init__(
        self,
        http: Http,
        url: str,
        *,
        tokens: TokenSource,
        budget: Budget,
        clock: Clock,
        random: Random = _random,
    ) -> None:
        self._http, self._url = http, url
        self._tokens, self._budget = tokens, budget
        self._clock, self._random = clock, random
        self._throttled = 0
        self.my_id: str | None = None
        """The GUID of who is signed in, once their presence was read."""

    async def my_presence(self) -> Presence:
        """The presence of who is signed in."""
        response = await self._exchange("/me/presence")
        if response.status != OK:
            raise self._refusal(response)
        resource = parsed(response.body)
        presence = parse_presence(resource)
        self.my_id = str(resource.get("id") or "").lower() or None
        return presence

    async def read(self, path: str, content: bytes | None = None, *, remedy: str) -> Any | None:
        """As ``body``, parsed."""
        body = await self.body(path, content, remedy=remedy)
        return None if body is None else parsed(body)

    async def body(self, path: str, content: bytes | None = None, *, remedy: str) -> bytes | None:
        """What answers a GET, or a POST of ``content`` that only reads.

        ``path`` is encoded. ``None`` when Graph does not know it (HTTP 400 or 404).
        """
        response = await self._exchange(path, content)
        if response.status == OK:
            return response.body
        if response.status in (400, 404):
            return None
        if response.status in (401, 403):
            raise refused(path.partition("?")[0], response, remedy)
        raise self._refusal(response)

    async def post(self, path: str, content: bytes, *, remedy: str) -> None:
        """POST ``content``, which may be empty, where any good answer means that it is done."""
        response = await self._exchange(path, content, only_reads=False)
        if response.status in (OK, 204):
            return
        if response.status in (400, 401, 403, 404):
            raise refused(path.rpartition("/")[2], response, remedy)
        raise self._refusal(response)

    async def pages(self, path: str, take: Callable[[list[Any]], None], *, remedy: str) -> bool:
        """Give each page of a list to ``take`` as it comes; whether Graph knows the list."""
        following = path
        for _ in range(PAGES_MOST):
            page = await self.read(following, remedy=remedy)
            if page is None:
                return False
            if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
                raise SourceDataError("Microsoft Graph's answer is not a page")
            take(page["value"])
            if page.get("@odata.nextLink") is None:
                return True
            following = self._path_in(page["@odata.nextLink"])
        raise SourceDataError("Microsoft Graph sent pages without end")

    async def _exchange(
        self, path: str, content: bytes | None = None, *, only_reads: bool = True
    ) -> HttpResponse:
        """One request, and another one when the first is refused for its token."""
        send = partial(self._send, path, content, only_reads=only_reads)
        response = await send(await self._tokens.token())
        if response.status == 401:  # noqa: PLR2004 - Unauthorized
            claims = claims_of(response.headers)
            response = await send(await self._tokens.token(claims=claims, refresh=claims is None))
        if response.status == OK:
            self._throttled = 0
        return response

    async def _send(
        self, path: str, content: bytes | None, token: str, *, only_reads: bool
    ) -> HttpResponse:
        request_id = str(uuid4())
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "client-request-id": request_id,
        }
        request = HttpRequest(
            "GET" if content is None else "POST",
            self._url + path,
            headers=headers | _IS_JSON if content else headers,
            body=content,
            only_reads=only_reads,
        )
        try:
            async with self._budget.turn():
                response = await self._http.send(request)
        except HttpError as error:
            raise SourceUnavailableError(
                f"Microsoft Graph cannot be reached: {error}", reached=False
            ) from error
        if response.status != OK:
            _log_failure(path, request_id, response)
        return response

    def _refusal(self, response: HttpResponse) -> PresenceBridgeError:
        wait_s = self._wait_s(response)
        if wait_s is not None:
            self._budget.block(wait_s)
        return refusal(response, wait_s)

    def _wait_s(self, response: HttpResponse) -> float | None:
        """How long Graph wants silence, or must get it; ``None`` when it is not throttled."""
        if response.status not in (429, 503, 509):
            return None
        wait_s = retry_after_s(response.headers, self._clock)
        if wait_s is not None or response.status == 503:  # noqa: PLR2004 - a failure, no wish
            return wait_s
        self._throttled += 1
        return full_jitter(
            self._throttled - 1,
            first_s=THROTTLE_FIRST_S,
            most_s=THROTTLE_MOST_S,
            random=self._random,
        )

    def _path_in(self, link: object) -> str:
        """The path of the next page; the token must not go anywhere but to Graph."""
        if not isinstance(link, str) or not link.startswith(f"{self._url}/"):
            raise SourceDataError("Microsoft Graph's next page is on another host")
        return link.removeprefix(self._url)


@uncollected()
def parsed(body: bytes) -> Any:
    """The JSON in ``body``; ``SourceDataError`` where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceDataError("Microsoft Graph's answer is not JSON") from error


def _log_failure(path: str, request_id: str, response: HttpResponse) -> None:
    log.debug(
        "Graph %s answered %d: %s, client-request-id %s, Date %s, diagnostic %s",
        path,
        response.status,
        reason_of(response),
        request_id,
        response.headers.get("Date"),
        response.headers.get("x-ms-ags-diagnostic"),
    )
