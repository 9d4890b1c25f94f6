"""The sign-in of one account: silent tokens, and device code when asked. Never signs in unasked.

msal is synchronous and replays failures from memory (its throttled HTTP client), so every sign-in
and every try after a failure gets an application object of its own, and all calls run on workers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial
from random import random as _random
from typing import Any, TypeVar

import msal
import requests

from bridge import __version__
from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.cache import TokenCache
from bridge.microsoft.device_code import (
    SCOPES,
    UNREADABLE,
    Answer,
    DeviceCode,
    is_passing,
    trouble,
)
from bridge.microsoft.remedies import Explanation, explain
from bridge.retry import Random, full_jitter

log = logging.getLogger(__name__)

T = TypeVar("T")

EARLY_S = 600.0
"""msal is asked this long before a token ends; it renews at 300 s, or when Microsoft said so."""
AGAIN_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
AGAIN_FIRST_S, AGAIN_MOST_S = 5.0, 60.0
"""Waits between sign-ins that could not begin; msal replays a failure for 60 s an object."""


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
        random: Random = _random,
    ) -> None:
        self.sign_in: Latest[SignIn] = Latest(SignIn())
        self._slug, self._client_id, self._authority = slug, client_id, authority
        self._http, self._cache, self._executor = http, cache, executor
        self._clock, self._random = clock, random
        self._app: msal.PublicClientApplication | None = None
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._ends_s = self._renew_s = 0.0
        self._ended: Explanation | None = None
        self._wanted = asyncio.Event()
        self._attempt: asyncio.Task[None] | None = None

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
                raise _needed(self._ended)
            try:
                answer = await self._work(self._silent, claims, refresh)
            except UNREADABLE as error:
                return self._old_token(type(error).__name__, usable=not anew, cause=error)
            if answer is None:
                raise SignInNeededError("Nobody is signed in.", remedy="Sign in.")
            if "access_token" in answer:
                return self._accept(answer)
            if is_passing(answer):
                return self._old_token(str(answer.get("error")), usable=not anew)
            self._ended, self._token = explain(answer), None
            if self.sign_in.value.state is not SignInState.CODE_PENDING:
                self._tell(self._ended)
            raise _needed(self._ended)

    def request_sign_in(self) -> None:
        """Start a sign-in soon; one that runs goes on."""
        self._wanted.set()

    async def sign_out(self) -> None:
        """Forget the account and its file, and end a sign-in that waits for somebody."""
        async with self._lock:
            self._wanted.clear()
            if self._attempt:
                self._attempt.cancel()
            await self._work(self._cache.delete)
            self._app = self._token = self._ended = None
        self.sign_in.set(SignIn())

    async def run(self) -> None:
        """Do the sign-ins that are requested, until cancelled."""
        while True:
            await self._wanted.wait()
            attempt = asyncio.create_task(self._sign_in(), name=f"device-code-{self._slug}")
            self._attempt = attempt
            try:
                await asyncio.wait({attempt})
            finally:
                attempt.cancel()
                await asyncio.wait({attempt})
            if not attempt.cancelled():
                attempt.result()

    async def _sign_in(self) -> None:
        """One sign-in; what cannot even begin is tried again while it may pass."""
        tokens = msal.SerializableTokenCache()  # its own: nothing of an earlier person stays
        flow = DeviceCode(partial(self._new_app, tokens), work=self._work, clock=self._clock)
        if not self._stands:
            self.sign_in.set(SignIn())
        attempt = 0
        while "user_code" not in (answer := await flow.begin()):
            self._attempt_failed(answer)
            if not is_passing(answer):
                break
            await self._clock.sleep(
                full_jitter(
                    attempt, first_s=AGAIN_FIRST_S, most_s=AGAIN_MOST_S, random=self._random
                )
            )
            attempt += 1
        else:
            self._show_code(answer)
            answer = await flow.finish(answer)
            if "access_token" in answer:
                await self._signed_in(tokens, answer)
            else:
                self._attempt_failed(answer)
        self._wanted.clear()

    def _show_code(self, flow: Answer) -> None:
        self.sign_in.set(
            SignIn(
                SignInState.CODE_PENDING,
                user_code=flow["user_code"],
                verification_uri=flow["verification_uri"],
                expires_at=self._clock.now() + timedelta(seconds=float(flow["expires_in"])),
                message=flow["message"],
            )
        )
        log.info("%s: %s", self._slug, flow["message"])

    async def _signed_in(self, tokens: msal.SerializableTokenCache, answer: Answer) -> None:
        async with self._lock:
            self._app, self._cache.tokens = None, tokens
            await self._work(self._cache.save)
            self._accept(answer)
            self.sign_in.set(SignIn(SignInState.SIGNED_IN))
        log.info("%s is signed in", self._slug)

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
            SCOPES, account=accounts[0], claims_challenge=claims, force_refresh=refresh
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
            app_name="presence-bridge",
            app_version=__version__,
        )

    def _accept(self, answer: Answer) -> str:
        self._token, self._ended = str(answer["access_token"]), None
        lifetime = float(answer.get("expires_in", 0))
        self._ends_s = self._clock.monotonic() + lifetime
        self._renew_s = self._ends_s - min(EARLY_S, lifetime / 2)
        if self.sign_in.value.state not in (SignInState.SIGNED_IN, SignInState.CODE_PENDING):
            self.sign_in.set(SignIn(SignInState.SIGNED_IN))
        return self._token

    def _old_token(self, reason: str, *, usable: bool, cause: Exception | None = None) -> str:
        self._app = None
        now = self._clock.monotonic()
        if self._token and usable and now < self._ends_s:
            self._renew_s = min(now + AGAIN_S, self._ends_s)
            return self._token
        raise SourceUnavailableError(f"Microsoft's sign-in cannot be reached: {reason}") from cause

    def _attempt_failed(self, answer: Answer) -> None:
        """Tell why a sign-in ended; one that stands, stands."""
        told = explain(answer if "error" in answer else trouble(None))
        if self._stands:
            self._log(told)
            self.sign_in.set(SignIn(SignInState.SIGNED_IN, message=told.text, remedy=told.remedy))
        else:
            self._tell(told)

    @property
    def _stands(self) -> bool:
        return self._token is not None and self._clock.monotonic() < self._ends_s

    def _tell(self, told: Explanation) -> None:
        self._log(told)
        self.sign_in.set(
            SignIn(
                SignInState.EXPIRED if told.sign_in_again else SignInState.ERROR,
                message=told.text,
                remedy=told.remedy,
                who=told.who,
                correlation_id=told.correlation_id,
            )
        )

    def _log(self, told: Explanation) -> None:
        if self.sign_in.value.message != told.text:
            level = logging.WARNING if told.passes else logging.ERROR
            log.log(level, "%s: %s %s", self._slug, told.text, told.remedy)

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, function, *arguments)


def _needed(told: Explanation) -> SignInNeededError:
    return SignInNeededError(told.text, remedy=told.remedy)
