"""The tokens of an app that signs itself in with a certificate. Never asks a person anything.

Source: Microsoft identity platform, "client credentials flow". Every try gets an application object
of its own: msal replays failures from memory, and a certificate that was renewed is read anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msal
import requests

from bridge import __version__
from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import ConfigError, SignInNeededError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.certificate import ClientCertificate
from bridge.microsoft.device_code import UNREADABLE, Answer, is_passing, trouble
from bridge.microsoft.remedies import OWNER, Explanation, explain
from bridge.microsoft.remedies_table import BROWSER

log = logging.getLogger(__name__)

EARLY_S = 600.0
"""A token is renewed this long before it ends."""
AGAIN_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
ENDS_SOON = timedelta(days=30)
"""A certificate that ends sooner is told of."""


class AppOnly:
    """Tokens for one account table; many callers, one request at a time."""

    def __init__(
        self,
        slug: str,
        *,
        client_id: str,
        authority: str,
        scope: str,
        http: Callable[[], requests.Session],
        certificate: Callable[[], ClientCertificate],
        executor: Executor,
        clock: Clock,
    ) -> None:
        self.sign_in: Latest[SignIn] = Latest(SignIn())
        self._slug, self._client_id, self._authority = slug, client_id, authority
        self._scope, self._http, self._certificate = scope, http, certificate
        self._executor, self._clock = executor, clock
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._ends_s = self._renew_s = 0.0
        self._warned: str | None = None
        self._wanted = asyncio.Event()

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token: ours while it is good, else a new one.

        Raises:
            SignInNeededError: Microsoft refuses the app; somebody must change something.
            SourceUnavailableError: Sign-in cannot be reached now and the old token has ended.
        """
        async with self._lock:
            anew = refresh or claims is not None
            if self._token and self._clock.monotonic() < self._renew_s and not anew:
                return self._token
            loop = asyncio.get_running_loop()
            cause: Exception | None = None
            try:
                answer = await loop.run_in_executor(self._executor, self._ask, claims)
            except ConfigError as error:
                raise self._refused(_certificate_trouble(error.problems[0])) from error
            except UNREADABLE as error:
                answer, cause = trouble(error), error
            if "access_token" in answer:
                return self._accept(answer)
            if is_passing(answer):
                reason = type(cause).__name__ if cause else str(answer.get("error"))
                return self._old_token(reason, usable=not anew, cause=cause)
            raise self._refused(_for_an_app(explain(answer)))

    def request_sign_in(self) -> None:
        """Try again soon: nobody can be asked."""
        self._wanted.set()

    async def sign_out(self) -> None:
        """Refuse: what the config says would sign in again at once.

        Raises:
            ConfigError: Always; it says what ends the sign-in.
        """
        told = "signs in by its certificate; to end that, take its table out of the config"
        raise ConfigError([f"accounts.{self._slug}: {told}"])

    async def run(self) -> None:
        """Do the tries that are requested, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.token(refresh=True)
            except (SignInNeededError, SourceUnavailableError) as error:
                log.debug("%s: no token: %s", self._slug, error)

    def _ask(self, claims: str | None) -> Answer:
        """Runs on a worker."""
        certificate = self._certificate()
        self._check_dates(certificate)
        app = msal.ConfidentialClientApplication(
            self._client_id,
            client_credential={
                "private_key": certificate.private_key,
                "public_certificate": certificate.certificate,
            },
            authority=self._authority,
            instance_discovery=False,
            http_client=self._http(),
            app_name="presence-bridge",
            app_version=__version__,
        )
        more: dict[str, Any] = {"claims_challenge": claims} if claims else {}
        answer: Answer = app.acquire_token_for_client([self._scope], **more)
        return answer

    def _check_dates(self, certificate: ClientCertificate) -> None:
        """Tell once that the certificate ends soon.

        Raises:
            ConfigError: It has ended.
        """
        now = self._clock.now()
        day = certificate.expires.date().isoformat()
        if certificate.expires <= now:
            raise ConfigError([f"The certificate ended on {day}."])
        if certificate.expires - now < ENDS_SOON and self._warned != certificate.thumbprint:
            self._warned = certificate.thumbprint
            log.warning("%s: the certificate ends on %s: make and upload another", self._slug, day)

    def _accept(self, answer: Answer) -> str:
        self._token = str(answer["access_token"])
        lifetime = float(answer.get("expires_in", 0))
        self._ends_s = self._clock.monotonic() + lifetime
        self._renew_s = self._ends_s - min(EARLY_S, lifetime / 2)
        if self.sign_in.value.state is not SignInState.SIGNED_IN:
            self.sign_in.set(SignIn(SignInState.SIGNED_IN))
            log.info("%s is signed in as the app itself", self._slug)
        return self._token

    def _old_token(self, reason: str, *, usable: bool, cause: Exception | None) -> str:
        now = self._clock.monotonic()
        if self._token and usable and now < self._ends_s:
            self._renew_s = min(now + AGAIN_S, self._ends_s)
            return self._token
        raise SourceUnavailableError(f"Microsoft's sign-in cannot be reached: {reason}") from cause

    def _refused(self, told: Explanation) -> SignInNeededError:
        self._token = None
        if self.sign_in.value.message != told.text:
            log.error("%s: %s", self._slug, told.line)
        self.sign_in.set(
            SignIn(
                SignInState.ERROR,
                message=told.text,
                remedy=told.remedy,
                who=told.who,
                correlation_id=told.correlation_id,
            )
        )
        return SignInNeededError(told.text, remedy=told.remedy)


def _for_an_app(told: Explanation) -> Explanation:
    """Nobody can sign in again here, or in a browser: the owner of the app looks, or the admin."""
    if told.sign_in_again:
        remedy = "Look at the app registration with the correlation id."
        return replace(told, remedy=remedy, who=OWNER)
    if BROWSER in told.remedy:
        return replace(told, remedy="Ask your admin for an exception.")
    return told


def _certificate_trouble(problem: str) -> Explanation:
    return Explanation(
        text=problem,
        remedy="Make one with: presence-bridge certificate create, and upload it.",
        who=OWNER,
        passes=False,
        sign_in_again=False,
    )
