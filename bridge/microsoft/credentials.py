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

log = logging.getLogger(__name__)

T = TypeVar("T")

SCOPES = ["Presence.Read", "User.Read"]
EARLY_S = 600.0
"""A token is renewed this long before it ends; msal itself does so at 300 s."""
AGAIN_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
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
    ) -> None:
        self.sign_in: Latest[SignIn] = Latest(SignIn())
        self._slug, self._client_id, self._authority = slug, client_id, authority
        self._http, self._cache, self._executor, self._clock = http, cache, executor, clock
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
            try:
                await self._device_code()
            finally:
                self._wanted.clear()

    async def _device_code(self) -> None:
        try:
            app = await self._work(self._new_app)
            flow = await self._work(app.initiate_device_flow, SCOPES)
        except _TRANSIENT as error:
            return self._failed(
                {"error": "temporarily_unavailable", "error_description": str(error)}
            )
        if "user_code" not in flow:
            return self._failed(flow)
        expires_at = self._clock.now() + timedelta(seconds=float(flow["expires_in"]))
        ends_s = self._clock.monotonic() + float(flow["expires_in"])
        self.sign_in.set(
            SignIn(
                SignInState.CODE_PENDING,
                user_code=flow["user_code"],
                verification_uri=flow["verification_uri"],
                expires_at=expires_at,
                message=flow.get("message"),
            )
        )
        log.info("%s: %s", self._slug, flow.get("message"))
        while self._clock.monotonic() < ends_s:
            await self._clock.sleep(float(flow.get("interval", 5)))
            try:
                result = await self._work(_poll_once, app, flow)
            except _TRANSIENT as error:
                log.debug("%s: sign-in poll failed: %s", self._slug, type(error).__name__)
                continue
            if "access_token" in result:
                async with self._lock:
                    self._app = app
                    await self._work(self._cache.save)
                    self._accept(result)
                log.info("%s is signed in", self._slug)
                return None
            if result.get("error") not in ("authorization_pending", "slow_down"):
                return self._failed(result)
        return self._failed({"error": "expired_token"})

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

    def _failed(self, result: dict[str, Any]) -> None:
        told = explain(result)
        if told.passes:
            log.warning("%s: %s", self._slug, told.text)
        else:
            self._ended, self._token = told, None
            log.error("%s: %s %s", self._slug, told.text, told.remedy)
        self.sign_in.set(
            SignIn(
                SignInState.EXPIRED if told.sign_in_again else SignInState.ERROR,
                message=told.text,
                remedy=told.remedy,
                who=told.who,
                correlation_id=told.correlation_id,
            )
        )

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, function, *arguments)


def _poll_once(app: msal.PublicClientApplication, flow: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    return result


def _needed(told: Explanation) -> SignInNeededError:
    return SignInNeededError(told.text, remedy=told.remedy)
