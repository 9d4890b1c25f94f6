"""Signing in with a browser: authorization code with PKCE (RFC 6749, 4.1; RFC 7636; RFC 8252).

The browser comes back to an address of this machine, on any free port (RFC 8252, 7.3), or somebody
pastes where it ended. Never logs or repeats an address that came back: the code is in it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from html import escape
from random import random as _random
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    PersonMustActError,
    PresenceBridgeError,
    SourceUnavailableError,
)
from bridge.contract.latest import Latest
from bridge.contract.retry import Random
from bridge.microsoft.sign_in.flow import Failed, Step, wait_s
from bridge.microsoft.sign_in.genuine_answers import Answer
from bridge.microsoft.sign_in.msal_client import MsalClient
from bridge.microsoft.sign_in.remedies import explain

log = logging.getLogger(__name__)

LIFETIME_S = 600.0
"""How long somebody may take; a code that came back lives as long (RFC 6749, 4.1.2)."""
TRIES, RETRY_FIRST_S, RETRY_MOST_S = 5, 4.0, 30.0
"""A code is redeemed this often while Microsoft's sign-in has a bad moment."""
MESSAGE = "open {} in a browser and sign in; if its last page does not load, paste its address"
_POSTED = "form_post"
_LAST_ANSWER_S = 1.0
"""How long the page that says "done" may take to reach the browser."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}
_PAGE = "<!doctype html><meta charset=utf-8><title>Presence Bridge</title><p>{}</p>"
_DONE = "Presence Bridge has what it needs. You can close this page."


class Browser:
    """One attempt."""

    def __init__(
        self,
        client: MsalClient,
        *,
        scopes: Sequence[str],
        claims: str | None,
        clock: Clock,
        account: str | None = None,
        random: Random = _random,
    ) -> None:
        self._client, self._clock, self._random = client, clock, random
        self._account = account
        self._scopes, self._claims = list(scopes), claims
        self._redirect_uri = ""
        self._flow: Answer | None = None
        self._arrived: Latest[dict[str, str] | None] = Latest(None)

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Go on to the end; ``SourceUnavailableError`` when it cannot begin now."""
        async with _listening(self.hand_in) as self._redirect_uri:
            self._flow = await self._client.ask(self._request) or {}
            if "error" in self._flow:
                yield Failed(explain(self._flow))
                return
            address = self._flow["auth_uri"]
            yield SignIn(
                SignInState.CODE_PENDING,
                verification_uri=address,
                expires_at=self._clock.now() + timedelta(seconds=LIFETIME_S),
                message=MESSAGE.format(address),
            )
            if not await self._arrived.newer(0, within_s=LIFETIME_S, clock=self._clock):
                yield Failed(explain({"error": "nobody_came_back"}), ran_out=True)
                return
            answer = await self._redeemed()
            yield answer if "access_token" in answer else Failed(explain(answer))

    def hand_in(self, pasted: str) -> None:
        """Take the address that the browser ended on, once. ``PersonMustActError`` for another."""
        fields = dict(parse_qsl(pasted.strip().partition("#")[0].rpartition("?")[2]))
        if "state" not in fields or not fields.keys() & {"code", "error"}:
            raise PersonMustActError(
                "That is not the address that the browser ended on.",
                remedy="After signing in, copy all of the address line: it begins with "
                f"{self._redirect_uri} and holds code= and state=.",
            )
        if self._flow is None or fields["state"] != self._flow.get("state"):
            raise PersonMustActError(
                "That address belongs to another sign-in.",
                remedy="Open the newest sign-in address and hand in where that one ends.",
            )
        if self._arrived.value is not None:
            raise PersonMustActError(
                "This sign-in has its address already.", remedy="Wait for its end."
            )
        self._arrived.set(fields)

    async def _redeemed(self) -> Answer:
        """Tokens for the code that came back, or a refusal."""
        answer: Answer | None = await AsyncRetrying(
            retry=retry_if_exception_type(SourceUnavailableError),
            wait=self._wait_s,
            stop=stop_after_attempt(TRIES),
            sleep=self._clock.sleep,
            retry_error_callback=lambda _: {"error": "not_redeemed"},
        )(self._client.ask, self._redeem)
        return answer or {"error": "not_redeemed"}

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, SourceUnavailableError)
        return wait_s(
            error,
            state.attempt_number,
            first_s=RETRY_FIRST_S,
            most_s=RETRY_MOST_S,
            random=self._random,
        )

    def _request(self, app: Any) -> Answer:
        flow: Answer = app.initiate_auth_code_flow(
            self._scopes,
            redirect_uri=self._redirect_uri,
            response_mode=_POSTED,
            claims_challenge=self._claims,
            # else a browser that is signed in to Microsoft signs in whom it likes, without a word
            **({"login_hint": self._account} if self._account else {"prompt": "select_account"}),
        )
        # nobody can paste a posted form; msal warns of every other mode (RFC 9700, 4.3.1), which
        # the proof (PKCE), the single use and the short life of the code make up for
        return flow | {"auth_uri": flow["auth_uri"].replace(f"={_POSTED}", "=query")}

    def _redeem(self, app: Any) -> Answer:
        try:
            answer: Answer = app.acquire_token_by_auth_code_flow(self._flow, self._arrived.value)
        except RuntimeError as error:
            if "nonce" in str(error):
                return {"error": "nonce_mismatch"}
            raise
        return answer


@asynccontextmanager
async def _listening(take: Callable[[str], None]) -> AsyncIterator[str]:
    """Give every address that a browser brings to ``take``; yields the redirect address.

    What ``take`` raises is shown in the browser. Where no port can be had, the address leads
    nowhere, and people paste where their browser ended.
    """

    async def answer(request: web.Request) -> web.Response:
        try:
            take(request.path_qs)
        except PresenceBridgeError as error:
            return _page(str(error), status=400)
        return _page(_DONE)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_ANSWER_S)
    await runner.setup()
    try:
        yield await _address(runner)
    finally:
        await runner.cleanup()


async def _address(runner: web.AppRunner) -> str:
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    except OSError as error:
        log.debug("cannot listen for a browser on this machine: %s", error)
        return "http://localhost"
    return f"http://localhost:{runner.addresses[0][1]}"


def _page(text: str, *, status: int = 200) -> web.Response:
    return web.Response(
        text=_PAGE.format(escape(text)), status=status, content_type="text/html", headers=_HEADERS
    )
