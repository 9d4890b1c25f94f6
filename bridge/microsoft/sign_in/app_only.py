"""The sign-in of an app with a certificate, without a person.

Source: Microsoft identity platform, "client credentials flow". Every try gets an application object
of its own, so a certificate that was renewed is read anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge import __version__
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    ConfigError,
    PersonMustActError,
    SignInNeededError,
    SourceUnavailableError,
)
from bridge.contract.latest import Latest
from bridge.microsoft.sign_in.access_token import AccessToken
from bridge.microsoft.sign_in.genuine_answers import Answer
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.msal_library import library
from bridge.microsoft.sign_in.msal_requests import MsalRequests
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import OWNER, Explanation, explain
from bridge.microsoft.sign_in.remedies_table import BROWSER
from bridge.microsoft.sign_in.status import ended, needed

if TYPE_CHECKING:
    import msal

    from bridge.microsoft.sign_in.certificate import ClientCertificate

log = logging.getLogger(__name__)

ENDS_SOON = timedelta(days=30)
"""A certificate that ends sooner is worth a warning."""


class AppSignIn:
    """The sign-in of one account table; only the config ends it."""

    def __init__(
        self,
        slug: str,
        *,
        app: PublicApp,
        scope: str,
        workers: MsalWorkers,
        certificate: Callable[[], ClientCertificate],
        clock: Clock,
    ) -> None:
        self.sign_in: Latest[SignIn] = Latest(SignIn(SignInState.SIGNED_IN))
        self._slug, self._app = slug, app
        self._scope, self._certificate, self._clock = scope, certificate, clock
        self._client = workers.client(self._new_app)
        self._token = AccessToken(slug, self._renew, clock=clock)
        self._logged = self._warned = ""
        self._wanted = asyncio.Event()

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token, as from ``AccessToken.get``."""
        try:
            token = await self._token.get(claims=claims, refresh=refresh)
        except SourceUnavailableError as error:
            self._show(SignIn(self.sign_in.value.state, message=f"{error}."))
            raise
        self._show(SignIn(SignInState.SIGNED_IN))
        if self._logged != SignInState.SIGNED_IN:
            self._logged = SignInState.SIGNED_IN
            log.info("%s is signed in as the app itself", self._slug)
        return token

    def request(self, _: Way | None = None) -> None:
        """Try once more soon, by itself."""
        self._wanted.set()

    def cancel(self) -> None:
        """Do nothing: nobody is waited for."""

    async def keep(self) -> None:
        """Refuse: nobody signs in."""
        raise self._needs_nobody()

    def finish_browser(self, _: str) -> None:
        """Refuse: no browser is needed."""
        raise self._needs_nobody()

    async def sign_out(self) -> None:
        """Refuse: by the config it would sign in at once."""
        text = "signs in by its certificate; to end that, take its table out of the config"
        raise ConfigError([f"accounts.{self._slug}: {text}"])

    async def run(self, *, may_offer: bool = True) -> None:  # noqa: ARG002 - as ``PersonSignIn``
        """Do the tries that are requested, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.token(refresh=True)
            except (SignInNeededError, SourceUnavailableError) as error:
                log.debug("%s: no token: %s", self._slug, error)

    def _needs_nobody(self) -> PersonMustActError:
        return PersonMustActError(f"{self._slug} signs in by its certificate.", remedy="")

    async def _renew(self, claims: str | None, _: bool) -> Answer:  # noqa: FBT001 - as ``Renew``
        self._client.forget()
        try:
            answer = await self._client.ask(
                lambda app: app.acquire_token_for_client([self._scope], claims_challenge=claims)
            )
        except ConfigError as error:
            raise self._refused(_certificate_trouble(error)) from error
        if answer and "access_token" in answer:
            return answer
        raise self._refused(_for_an_app(explain(answer or {})))

    def _new_app(self, requests: MsalRequests) -> msal.ConfidentialClientApplication:
        """Runs on a worker. Raises ``ConfigError`` for a certificate that cannot be used."""
        certificate = self._certificate()
        self._check_dates(certificate)
        return library().ConfidentialClientApplication(
            self._app.client_id,
            client_credential={
                "private_key": certificate.private_key,
                "public_certificate": certificate.certificate,
            },
            authority=self._app.authority,
            instance_discovery=False,
            http_client=requests,
            app_name="presence-bridge",
            app_version=__version__,
        )

    def _check_dates(self, certificate: ClientCertificate) -> None:
        """Warn once that the certificate ends soon; ``ConfigError`` when it has ended."""
        now = self._clock.now()
        day = certificate.expires.date().isoformat()
        if certificate.expires <= now:
            raise ConfigError([f"The certificate ended on {day}: {certificate.file}."])
        if certificate.expires - now < ENDS_SOON and self._warned != certificate.thumbprint:
            self._warned = certificate.thumbprint
            text = "%s: the certificate ends on %s: make and upload another (%s)"
            log.warning(text, self._slug, day, certificate.file)

    def _refused(self, why: Explanation) -> SignInNeededError:
        if self._logged != why.text:
            self._logged = why.text
            log.error("%s: %s", self._slug, why.line(self._slug))
        self._show(ended(why, self._slug, self._app))
        return needed(why)

    def _show(self, now: SignIn) -> None:
        if now != self.sign_in.value:
            self.sign_in.set(now)


def _for_an_app(why: Explanation) -> Explanation:
    """Nobody can sign in again here, or in a browser: the owner of the app looks, or the admin."""
    if why.sign_in_again:
        remedy = "Look at the app registration with the correlation id."
        return why._replace(remedy=remedy, who=OWNER, sign_in_again=False)
    if BROWSER in why.remedy:
        return why._replace(remedy="Ask your admin for an exception.")
    return why


def _certificate_trouble(error: ConfigError) -> Explanation:
    text = error.problems[0]
    remedy = "Make one with: presence-bridge certificate create, and upload it."
    if isinstance(error.__cause__, PermissionError):  # it is there, and a command mends that
        text, _, cure = text.partition("; ")
        remedy = f"Run: {cure}"
    return Explanation(text, remedy, who=OWNER)
