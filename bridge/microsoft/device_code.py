"""One sign-in by device code, from its code to its end (RFC 8628). Never keeps a token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msal
import requests

from bridge.contract.clock import Clock
from bridge.microsoft.remedies import explain

log = logging.getLogger(__name__)

SCOPES = ["Presence.Read", "User.Read"]
INTERVAL_MOST_S = 60
UNREADABLE = (
    requests.RequestException,
    msal.exceptions.MsalError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
)
"""What msal raises when Microsoft cannot be reached, or answers what is no answer: it checks no
body before it reads it."""
_GO_ON = ("authorization_pending", "slow_down")

Answer = dict[str, Any]


class Flow(Protocol):
    """One attempt to sign somebody in."""

    async def begin(self) -> Answer:
        """What a person needs: message, ``verification_uri`` and more; else an error."""
        ...

    async def finish(self, flow: Answer) -> Answer:
        """Wait for the person: msal's tokens, or an error."""
        ...


class Work(Protocol):
    """Runs a blocking call on a worker."""

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        """What ``function`` returns or raises."""
        ...


class DeviceCode:
    """One attempt; ``new_app`` makes application objects that share one token cache."""

    def __init__(
        self,
        new_app: Callable[[], Any],
        *,
        work: Work,
        clock: Clock,
        scopes: Sequence[str] = SCOPES,
        claims: str | None = None,
    ) -> None:
        self._new_app, self._work, self._clock = new_app, work, clock
        self._scopes, self._claims = scopes, claims
        self._app: Any = None

    async def begin(self) -> Answer:
        """A code for a person; without ``verification_uri`` it is an error for ``explain``."""
        flow: Answer
        try:
            self._app = await self._work(self._new_app)
            flow = await self._work(self._initiate)
            if "user_code" in flow:
                words = f"open {flow['verification_uri']} and enter {flow['user_code']}"
                return {"message": words, **flow, "interval": max(1, flow["interval"])}
        except UNREADABLE as error:
            return trouble(error)
        return flow if "error" in flow else trouble(None)

    async def finish(self, flow: Answer) -> Answer:
        """Poll until the person is done: msal's tokens, or an error as ``explain`` reads it.

        After trouble the polls get rarer (RFC 8628, 3.5), through a new application object: msal
        would repeat a failure from memory for a minute.
        """
        answer: Answer
        ends_s = self._clock.monotonic() + flow["expires_in"]
        while self._clock.monotonic() < ends_s:
            await self._clock.sleep(flow["interval"])
            try:
                self._app = self._app or await self._work(self._new_app)
                answer = await self._work(_poll_once, self._app, flow)
            except UNREADABLE as error:
                answer = trouble(error)
            if "access_token" in answer:
                return answer
            if is_passing(answer):
                log.debug("a poll for the sign-in failed: %s", answer.get("error"))
                flow["interval"] = min(INTERVAL_MOST_S, 2 * flow["interval"])
                self._app = None
            elif answer["error"] not in _GO_ON:
                return answer
        return {"error": "expired_token"}

    def _initiate(self) -> Answer:
        flow: Answer = self._app.initiate_device_flow(self._scopes, claims_challenge=self._claims)
        return flow


def trouble(error: Exception | None) -> Answer:
    """What msal raised, worded as an answer: it passes unless Microsoft gave it a number.

    For an unknown tenant msal raises ``ValueError`` and leaves the number in its context.
    """
    context = error.__context__ if isinstance(error, ValueError) else None
    return {"error": "server_error", "error_description": str(context or "")}


def is_passing(answer: Answer) -> bool:
    """Whether an answer without token goes away by itself. What names no error is no answer."""
    return "error" not in answer or explain(answer).passes


def _poll_once(app: Any, flow: Answer) -> Answer:
    flow.pop("latest_attempt_at", None)  # msal warns by the wall clock, which may have been set
    answer: Answer = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    return answer
