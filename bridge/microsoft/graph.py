"""Requests to Microsoft Graph for presence. Never waits out a throttle: it tells how long.

Source of the manners: Microsoft Graph documentation, "throttling guidance", "best practices".
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Mapping
from random import random as _random
from typing import Any, Protocol
from uuid import uuid4

from bridge.contract.clock import Clock
from bridge.contract.errors import (
    AccessRefusedError,
    PresenceBridgeError,
    SourceDataError,
    SourceUnavailableError,
)
from bridge.contract.presence import Presence
from bridge.microsoft.budget import Budget
from bridge.microsoft.http import Http, HttpError, HttpRequest, HttpResponse
from bridge.microsoft.presence import parse_presence
from bridge.microsoft.reason import because, reason_of
from bridge.retry import Random, full_jitter, retry_after_s

log = logging.getLogger(__name__)

PAGES_MOST = 1_000
"""Of 999 each: nobody has a million members."""
THROTTLE_FIRST_S, THROTTLE_MOST_S = 3.0, 180.0
"""Waits after a 429 that does not say how long, as Microsoft's own SDKs wait."""
_IS_JSON = {"Content-Type": "application/json"}
_CLAIMS = re.compile(r'claims="([^"]+)"')


class Tokens(Protocol):
    """Where access tokens come from."""

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token; ``claims`` answers a challenge, ``refresh`` replaces a refused one."""
        ...


class Graph:
    """Graph as one account sees it."""

    def __init__(
        self,
        http: Http,
        url: str,
        *,
        tokens: Tokens,
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
        """The presence of who is signed in.

        Raises:
            SourceUnavailableError: Try again, after the wait it carries.
            SourceDataError: The answer is no presence.
            SignInNeededError: The token is refused for good.
            AccessRefusedError: Signed in, but not allowed.
        """
        resource = await self._get("/me/presence")
        presence = parse_presence(resource)
        self.my_id = str(resource.get("id") or "").lower() or None
        return presence

    async def _get(self, path: str) -> Any:
        response = await self._exchange(path)
        if response.status == 200:  # noqa: PLR2004 - OK
            return _json(response.body)
        raise because(self._refusal(response.status, response.headers), response)

    async def _exchange(self, path: str, content: bytes | None = None) -> HttpResponse:
        """One request, and another one when the first is refused for its token."""
        response = await self._send(path, await self._tokens.token(), content)
        if response.status == 401:  # noqa: PLR2004 - Unauthorized
            claims = _claims(response.headers)
            token = await self._tokens.token(claims=claims, refresh=claims is None)
            response = await self._send(path, token, content)
        if response.status == 200:  # noqa: PLR2004 - OK
            self._throttled = 0
        return response

    async def _send(self, path: str, token: str, content: bytes | None = None) -> HttpResponse:
        async with self._budget.turn():
            return await self._request(path, token, content)

    async def _request(self, path: str, token: str, content: bytes | None) -> HttpResponse:
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
        )
        try:
            response = await self._http.send(request)
        except HttpError as error:
            raise SourceUnavailableError(
                f"Microsoft Graph cannot be reached: {error}", reached=False
            ) from error
        if response.status != 200:  # noqa: PLR2004 - OK
            _log_failure(path, request_id, response)
        return response

    def _refusal(self, status: int, headers: Mapping[str, str]) -> PresenceBridgeError:
        if status in (429, 503, 509):
            wait = retry_after_s(
                headers.get("Retry-After"), date=headers.get("Date"), clock=self._clock
            )
            if wait is None and status != 503:  # noqa: PLR2004 - a failure, and no wish for silence
                wait = full_jitter(
                    self._throttled,
                    first_s=THROTTLE_FIRST_S,
                    most_s=THROTTLE_MOST_S,
                    random=self._random,
                )
                self._throttled += 1
            if wait is not None:
                self._budget.block(wait)
                return SourceUnavailableError(
                    f"Microsoft Graph asks us to wait (HTTP {status})", retry_after_s=wait
                )
        if status in (401, 403):
            return AccessRefusedError(
                f"Microsoft Graph refuses to tell the presence (HTTP {status}).",
                remedy="Check that the app has Presence.Read, that it was consented to, and that "
                "the person has a Teams licence; then sign in again.",
            )
        if status == 404:  # noqa: PLR2004 - Not Found
            return AccessRefusedError(
                "Microsoft Graph knows no presence for this account (HTTP 404).",
                remedy="Only work and school accounts with Teams have one.",
            )
        return SourceUnavailableError(f"Microsoft Graph fails (HTTP {status})")

    async def ask(self, path: str, content: bytes | None = None, *, remedy: str) -> Any | None:
        """The JSON that answers a GET, or a POST of ``content``; ``path`` is encoded.

        ``None`` when Graph does not know what is asked for (HTTP 400 or 404).

        Raises:
            AccessRefusedError: Not allowed; ``remedy`` says what is missing.
            SourceUnavailableError: Try again, after the wait it carries.
            SourceDataError: The answer is no JSON.
            SignInNeededError: The token is refused for good.
        """
        response = await self._exchange(path, content)
        status = response.status
        if status == 200:  # noqa: PLR2004 - OK
            return _json(response.body)
        if status in (400, 404):
            return None
        if status in (401, 403):
            raise because(
                AccessRefusedError(
                    f"Microsoft Graph refuses {path.partition('?')[0]} (HTTP {status}).",
                    remedy=remedy,
                ),
                response,
            )
        raise because(self._refusal(status, response.headers), response)

    async def tell(self, path: str, content: bytes, *, remedy: str) -> None:
        """POST ``content``, which may be empty, where any good answer means that it is done.

        Raises:
            AccessRefusedError: Not allowed, or refused as it is; ``remedy`` says what is missing.
            SourceUnavailableError: Try again, after the wait it carries.
            SignInNeededError: The token is refused for good.
        """
        response = await self._exchange(path, content)
        status = response.status
        if status in (200, 204):
            return
        if status in (400, 401, 403, 404):
            action = path.rpartition("/")[2]
            refused = f"Microsoft Graph refuses {action} (HTTP {status})."
            raise because(AccessRefusedError(refused, remedy=remedy), response)
        raise because(self._refusal(status, response.headers), response)

    async def pages(self, path: str, *, remedy: str) -> list[Any] | None:
        """All values of a list that comes in pages; ``None`` when Graph does not know the list.

        Raises:
            SourceDataError: An answer is no page, or the next one would be somewhere else.
            AccessRefusedError: As in ``ask``, like all others.
        """
        values: list[Any] = []
        following = path
        for _ in range(PAGES_MOST):
            page = await self.ask(following, remedy=remedy)
            if page is None:
                return None
            if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
                raise SourceDataError("Microsoft Graph answered something that is no page")
            values += page["value"]
            if page.get("@odata.nextLink") is None:
                return values
            following = self._path_in(page["@odata.nextLink"])
        raise SourceDataError("Microsoft Graph answered pages without an end")

    def _path_in(self, link: object) -> str:
        """The path of the next page; the token must not go anywhere but to Graph."""
        if not isinstance(link, str) or not link.startswith(f"{self._url}/"):
            raise SourceDataError("Microsoft Graph has its next page somewhere else")
        return link.removeprefix(self._url)


def _claims(headers: Mapping[str, str]) -> str | None:
    """The claims of a challenge (Microsoft identity platform, "claims challenges")."""
    header = headers.get("WWW-Authenticate", "")
    match = _CLAIMS.search(header) if "insufficient_claims" in header else None
    if not match:
        return None
    try:
        text = match.group(1)
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceDataError("Microsoft Graph answered something that is no JSON") from error


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
