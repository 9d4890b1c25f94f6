"""The sign-in of one account: silent tokens, and a person when asked. Never signs in unasked.

msal is synchronous and replays failures from memory (its throttled HTTP client), so every sign-in
and every try after a failure gets an application object of its own, and all calls run on workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from random import random as _random
from typing import Any, TypeVar

import msal
import requests

from bridge import __version__
from bridge.contract.account import SignIn, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.attempts import Attempts
from bridge.microsoft.cache import TokenCache
from bridge.microsoft.device_code import SCOPES, UNREADABLE, Answer, is_passing
from bridge.microsoft.remedies import YOU, Explanation, explain
from bridge.microsoft.sealing import OtherKeyError
from bridge.microsoft.standing import Standing, needed
from bridge.retry import Random

T = TypeVar("T")

EARLY_S = 600.0
"""msal is asked this long before a token ends; it renews at 300 s, or when Microsoft said so."""
AGAIN_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
CAPABILITIES = ["CP1"]
"""We answer claims challenges, so Microsoft may end a token early and let it live long
(Microsoft identity platform, "continuous access evaluation")."""


class Credentials:
    """Tokens for one account."""

    def __init__(
        self,
        slug: str,
        *,
        client_id: str,
        authority: str,
        http: Callable[[], requests.Session],
        cache: TokenCache,
        executor: Executor,
        clock: Clock,
        way: Way = Way.DEVICE_CODE,
        scopes: Sequence[str] = SCOPES,
        random: Random = _random,
    ) -> None:
        self._client_id, self._authority = client_id, authority
        self._http, self._cache, self._executor = http, cache, executor
        self._clock, self._scopes = clock, list(scopes)
        self._standing = Standing(slug, holds=self._holds, clock=clock)
        self._attempts = Attempts(
            slug,
            way=way,
            scopes=self._scopes,
            new_app=self._new_app,
            adopt=self._adopt,
            standing=self._standing,
            work=self._work,
            clock=clock,
            random=random,
        )
        self._app: msal.PublicClientApplication | None = None
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._ends_s = self._renew_s = 0.0
        self._ended: Explanation | None = None

    @property
    def sign_in(self) -> Latest[SignIn]:
        """Where the sign-in stands."""
        return self._standing.sign_in

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token: ours while it is good, else msal's.

        Raises:
            SignInNeededError: A person must sign in.
            SourceUnavailableError: Sign-in cannot be reached now and the old token has ended.
        """
        async with self._lock:
            anew = refresh or claims is not None
            if self._token and self._clock.monotonic() < self._renew_s and not anew:
                return self._token
            if self._ended:
                raise needed(self._ended)
            try:
                answer = await self._work(self._silent, claims, refresh)
            except OtherKeyError as error:
                self._ended = _locked(error.key_id)
                self._standing.ended(self._ended)
                raise needed(self._ended) from error
            except UNREADABLE as error:
                return self._old_token(type(error).__name__, usable=not anew, cause=error)
            if answer is None:
                raise SignInNeededError("Nobody is signed in.", remedy="Sign in.")
            if "access_token" in answer:
                return self._accept(answer)
            if is_passing(answer):
                return self._old_token(str(answer.get("error")), usable=not anew)
            self._ended, self._token = explain(answer), None
            self._attempts.claims = answer.get("claims") or claims
            self._standing.ended(self._ended)
            raise needed(self._ended)

    def request_sign_in(self, way: Way | None = None) -> None:
        """Start a sign-in soon, by the account's own way if no other is given.

        One that runs goes on, unless it goes another way.
        """
        self._attempts.request(way)

    async def begin_browser(self) -> str:
        """Start a sign-in in a browser, or go on with one; returns the address to open.

        Raises as ``Attempts.request_browser``; ``run`` must run.
        """
        return await self._attempts.request_browser()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that the browser ended on; ``sign_in`` tells what follows.

        Raises:
            PersonMustActError: It is not the one that is waited for; the text says which is.
        """
        self._attempts.hand_in(pasted)

    async def sign_out(self) -> None:
        """Forget the account and its file, and end a sign-in that waits for somebody."""
        async with self._lock:
            self._attempts.cancel()
            await self._work(self._cache.delete)
            self._app = self._token = self._ended = None
        self._standing.forgotten()

    async def run(self) -> None:
        """Do the sign-ins that are requested, until cancelled."""
        await self._attempts.run()

    async def _adopt(self, tokens: msal.SerializableTokenCache, answer: Answer) -> None:
        """Somebody signed in: their tokens take the place of those before."""
        async with self._lock:
            self._app, self._cache.tokens = None, tokens
            self._attempts.claims = None
            await self._work(self._cache.save)
            self._accept(answer)

    def _silent(self, claims: str | None, refresh: bool) -> Answer | None:  # noqa: FBT001 - runs on a worker
        if self._app is None:
            if not self._cache.has_account:
                self._cache.load()
            if not self._cache.has_account:
                return None
            self._app = self._new_app(self._cache.tokens)
        accounts = self._app.get_accounts()
        if not accounts:
            return None
        answer: Answer | None = self._app.acquire_token_silent_with_error(
            self._scopes, account=accounts[0], claims_challenge=claims, force_refresh=refresh
        )
        self._cache.save()
        return answer

    def _new_app(self, tokens: msal.SerializableTokenCache) -> msal.PublicClientApplication:
        return msal.PublicClientApplication(
            self._client_id,
            authority=self._authority,
            instance_discovery=False,
            http_client=self._http(),
            token_cache=tokens,
            client_capabilities=CAPABILITIES,
            app_name="presence-bridge",
            app_version=__version__,
        )

    def _accept(self, answer: Answer) -> str:
        self._token, self._ended = str(answer["access_token"]), None
        lifetime = float(answer.get("expires_in", 0))
        self._ends_s = self._clock.monotonic() + lifetime
        self._renew_s = self._ends_s - min(EARLY_S, lifetime / 2)
        self._standing.is_good()
        return self._token

    def _old_token(self, reason: str, *, usable: bool, cause: Exception | None = None) -> str:
        self._app = None
        now = self._clock.monotonic()
        if self._token and usable and now < self._ends_s:
            self._renew_s = min(now + AGAIN_S, self._ends_s)
            return self._token
        raise SourceUnavailableError(f"Microsoft's sign-in cannot be reached: {reason}") from cause

    def _holds(self) -> bool:
        return self._token is not None and self._clock.monotonic() < self._ends_s

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, function, *arguments)


def _locked(key_id: str) -> Explanation:
    return Explanation(
        text=f"The stored sign-in is encrypted with another key ({key_id}).",
        remedy="Put that key back as key_file in [security] and restart, or sign in again.",
        who=YOU,
        passes=False,
        sign_in_again=False,
    )
