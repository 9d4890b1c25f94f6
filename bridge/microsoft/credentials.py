"""The sign-in of one account: silent tokens, and device code when asked. Never signs in unasked.

msal is synchronous and replays failures from memory (its throttled HTTP client), so every sign-in
and every new start gets an application object of its own, and all its calls run on workers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta
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
from bridge.microsoft.remedies import Explanation, explain
from bridge.retry import Random, full_jitter

log = logging.getLogger(__name__)

T = TypeVar("T")

SCOPES = ["Presence.Read", "User.Read"]
EARLY_S = 600.0
"""A token is renewed this long before it ends; msal itself does so at 300 s."""
AGAIN_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
AGAIN_FIRST_S, AGAIN_MOST_S = 5.0, 60.0
"""Waits between sign-ins that could not begin; msal replays a failure for 60 s an object."""
_TRANSIENT = (
    requests.RequestException,
    msal.exceptions.MsalServiceError,
    OSError,
    ValueError,
    KeyError,
)


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

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token: ours while it is good, else msal's.

        Raises:
            SignInNeededError: A person must sign in.
            SourceUnavailableError: Sign-in cannot be reached now and the old token has ended.
        """
        async with self._lock:
            now = self._clock.monotonic()
            if self._token and now < self._renew_s and not (claims or refresh):
                return self._token
            if self._ended:
                raise _needed(self._ended)
            try:
                result = await self._work(self._silent, claims, refresh)
            except _TRANSIENT as error:
                return self._old_token(error, usable=not (claims or refresh))
            return self._accept(result)

    def request_sign_in(self) -> None:
        """Start a sign-in soon; one that runs goes on."""
        self._wanted.set()

    async def sign_out(self) -> None:
        """Forget the account and its file."""
        async with self._lock:
            await self._work(self._cache.delete)
            self._app = self._token = None
            self._ended = None
        self.sign_in.set(SignIn())

    async def run(self) -> None:
        """Do the sign-ins that are requested, until cancelled."""
        while True:
            await self._wanted.wait()
            attempt = 0
            while not await self._device_code():
                await self._clock.sleep(
                    full_jitter(
                        attempt, first_s=AGAIN_FIRST_S, most_s=AGAIN_MOST_S, random=self._random
                    )
                )
                attempt += 1
            self._wanted.clear()

    async def _device_code(self) -> bool:
        """One sign-in from code to end; ``False`` when it could not even begin and may later."""
        try:
            app = await self._work(self._new_app)
            flow = await self._work(app.initiate_device_flow, SCOPES)
        except _TRANSIENT as error:
            return self._failed({"error": "server_error", "error_description": str(error)})
        if "user_code" not in flow:
            return self._failed(flow)
        self._show_code(flow)
        ends_s = self._clock.monotonic() + float(flow["expires_in"])
        while self._clock.monotonic() < ends_s:
            await self._clock.sleep(float(flow.get("interval", 5)))
            try:
                result = await self._work(_poll_once, app, flow)
            except _TRANSIENT as error:
                log.debug("%s: sign-in poll failed: %s", self._slug, type(error).__name__)
                continue
            if "access_token" in result:
                await self._signed_in(app, result)
                return True
            if result.get("error") not in ("authorization_pending", "slow_down"):
                self._failed(result)
                return True
        self._failed({"error": "expired_token"})
        return True

    def _show_code(self, flow: dict[str, Any]) -> None:
        self.sign_in.set(
            SignIn(
                SignInState.CODE_PENDING,
                user_code=flow["user_code"],
                verification_uri=flow["verification_uri"],
                expires_at=self._clock.now() + timedelta(seconds=float(flow["expires_in"])),
                message=flow.get("message"),
            )
        )
        log.info("%s: %s", self._slug, flow.get("message"))

    async def _signed_in(self, app: msal.PublicClientApplication, result: dict[str, Any]) -> None:
        async with self._lock:
            self._app = app
            await self._work(self._cache.save)
            self._accept(result)
        log.info("%s is signed in", self._slug)

    def _silent(self, claims: str | None, refresh: bool) -> dict[str, Any] | None:  # noqa: FBT001 - runs on a worker
        if self._app is None:
            self._cache.load()
            if not self._cache.tokens.search(msal.TokenCache.CredentialType.ACCOUNT):
                return None
            self._app = self._new_app()
        accounts = self._app.get_accounts()
        if not accounts:
            return None
        result: dict[str, Any] | None = self._app.acquire_token_silent_with_error(
            SCOPES, account=accounts[0], claims_challenge=claims, force_refresh=refresh
        )
        self._cache.save()
        return result

    def _new_app(self) -> msal.PublicClientApplication:
        return msal.PublicClientApplication(
            self._client_id,
            authority=self._authority,
            instance_discovery=False,
            http_client=self._http(),
            token_cache=self._cache.tokens,
            app_name="presence-bridge",
            app_version=__version__,
        )

    def _accept(self, result: dict[str, Any] | None) -> str:
        if result is None:
            raise SignInNeededError("Nobody is signed in.", remedy="Sign in.")
        if "access_token" not in result:
            self._failed(result)
            raise _needed(explain(result))
        self._token, self._ended = str(result["access_token"]), None
        lifetime = float(result.get("expires_in", 0))
        self._ends_s = self._clock.monotonic() + lifetime
        self._renew_s = self._ends_s - min(EARLY_S, lifetime / 2)
        if self.sign_in.value.state is not SignInState.SIGNED_IN:
            self.sign_in.set(SignIn(SignInState.SIGNED_IN))
        return self._token

    def _old_token(self, error: Exception, *, usable: bool) -> str:
        self._app = None
        now = self._clock.monotonic()
        if self._token and usable and now < self._ends_s:
            self._renew_s = min(now + AGAIN_S, self._ends_s)
            return self._token
        raise SourceUnavailableError(
            f"Microsoft's sign-in cannot be reached: {type(error).__name__}"
        ) from error

    def _failed(self, result: dict[str, Any]) -> bool:
        """Tell a failure; ``False`` when it passes by itself."""
        told = explain(result)
        state = SignInState.EXPIRED if told.sign_in_again else SignInState.ERROR
        told_before = self.sign_in.value.message == told.text
        if not told.passes:
            self._ended, self._token = told, None
        if not told_before:
            log.log(
                logging.WARNING if told.passes else logging.ERROR,
                "%s: %s %s",
                self._slug,
                told.text,
                told.remedy,
            )
        self.sign_in.set(
            SignIn(
                state,
                message=told.text,
                remedy=told.remedy,
                who=told.who,
                correlation_id=told.correlation_id,
            )
        )
        return not told.passes

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, function, *arguments)


def _poll_once(app: msal.PublicClientApplication, flow: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    return result


def _needed(told: Explanation) -> SignInNeededError:
    return SignInNeededError(told.text, remedy=told.remedy)
