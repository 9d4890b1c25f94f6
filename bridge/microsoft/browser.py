"""One sign-in in a browser: authorization code with PKCE (RFC 6749, 4.1; RFC 7636; RFC 8252).

Never keeps a token, and never logs or repeats an address that came back: it holds the code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import random as _random
from typing import Any
from urllib.parse import parse_qsl

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt

from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError
from bridge.contract.latest import Latest
from bridge.microsoft.again import WaitAsAsked
from bridge.microsoft.device_code import SCOPES, UNREADABLE, Answer, Work, is_passing, trouble
from bridge.retry import Random

LIFETIME_S = 600.0
"""How long somebody may take; a code that came back lives as long (RFC 6749, 4.1.2)."""
TRIES, AGAIN_FIRST_S, AGAIN_MOST_S = 5, 4.0, 30.0
"""A code is redeemed this often while Microsoft's sign-in has a bad moment."""
MESSAGE = "open {} in a browser and sign in; if its last page does not load, paste its address"
_POSTED = "form_post"

Fields = dict[str, str]


class Browser:
    """One attempt; ``new_app`` makes application objects that share one token cache."""

    def __init__(
        self,
        new_app: Callable[[], Any],
        *,
        redirect_uri: str,
        work: Work,
        clock: Clock,
        scopes: Sequence[str] = SCOPES,
        claims: str | None = None,
        random: Random = _random,
    ) -> None:
        self._new_app, self._redirect_uri = new_app, redirect_uri
        self._work, self._clock, self._random = work, clock, random
        self._scopes, self._claims = scopes, claims
        self._app: Any = None
        self._flow: Answer | None = None
        self._arrived: Latest[Fields | None] = Latest(None)

    async def begin(self) -> Answer:
        """An address for a person; without ``verification_uri`` it is an error for ``explain``."""
        try:
            self._app = await self._work(self._new_app)
            self._flow = await self._work(self._initiate)
        except UNREADABLE as error:
            return trouble(error)
        address = self._flow["auth_uri"]
        return {
            "verification_uri": address,
            "expires_in": LIFETIME_S,
            "message": MESSAGE.format(address),
        }

    def hand_in(self, pasted: str) -> None:
        """Take the address that the browser ended on; it can be handed in once.

        Raises:
            PersonMustActError: It is another address; the remedy says which one.
        """
        fields = dict(parse_qsl(pasted.strip().partition("#")[0].rpartition("?")[2]))
        if "state" not in fields or not fields.keys() & {"code", "error"}:
            raise PersonMustActError(
                "That is not the address that the browser ended on.",
                remedy="After signing in, copy all of the address line: it begins with "
                f"{self._redirect_uri} and holds code= and state=.",
            )
        if self._flow is None or fields["state"] != self._flow["state"]:
            raise PersonMustActError(
                "That address belongs to another sign-in.",
                remedy="Open the newest sign-in address and hand in where that one ends.",
            )
        if self._arrived.value is not None:
            raise PersonMustActError(
                "This sign-in has its address already.", remedy="Wait for its end."
            )
        self._arrived.set(fields)

    async def finish(self, _: Answer) -> Answer:
        """Wait until the address is handed in: msal's tokens, or an error for ``explain``."""
        if not await self._arrived.newer(0, within_s=LIFETIME_S, clock=self._clock):
            return {"error": "nobody_came_back"}
        return await AsyncRetrying(
            retry=retry_if_result(_may_pass),
            wait=WaitAsAsked(first_s=AGAIN_FIRST_S, most_s=AGAIN_MOST_S, random=self._random),
            stop=stop_after_attempt(TRIES),
            sleep=self._clock.sleep,
            retry_error_callback=_given_up,
        )(self._redeem)

    async def _redeem(self) -> Answer:
        """One try through an application object that remembers no failure."""
        try:
            app, self._app = self._app or await self._work(self._new_app), None
            answer: Answer = await self._work(
                app.acquire_token_by_auth_code_flow, self._flow, self._arrived.value
            )
        except UNREADABLE as error:
            is_nonce = isinstance(error, RuntimeError) and "nonce" in str(error)
            return {"error": "nonce_mismatch"} if is_nonce else trouble(error)
        return answer

    def _initiate(self) -> Answer:
        flow: Answer = self._app.initiate_auth_code_flow(
            self._scopes,
            redirect_uri=self._redirect_uri,
            response_mode=_POSTED,
            claims_challenge=self._claims,
        )
        # nobody can paste a posted form; msal warns of every other mode (RFC 9700, 4.3.1), which
        # the proof (PKCE), the single use and the short life of the code make up for
        return flow | {"auth_uri": flow["auth_uri"].replace(f"={_POSTED}", "=query")}


def _may_pass(answer: Answer) -> bool:
    return "access_token" not in answer and is_passing(answer)


def _given_up(_: RetryCallState) -> Answer:
    return {"error": "not_redeemed"}
