"""The sign-in of one person: what is stored, and the attempts to sign in.

What is stored is ``signed_in`` until Microsoft refuses it; an attempt runs beside it, and takes its
place only when somebody has signed in who is expected, or is kept. Somebody who was never signed
in, or is thrown out, is offered a sign-in once each time; who signs out is not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from random import random as _random

from bridge.config.unreadable_file import Unreadable
from bridge.contract.account import SignIn, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError, SignInUnreadableError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.contract.retry import Random
from bridge.microsoft.sign_in.access_token import AccessToken
from bridge.microsoft.sign_in.attempts import Attempts
from bridge.microsoft.sign_in.encryption import OtherKeyError
from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.flow import Failed, Granted
from bridge.microsoft.sign_in.genuine_answers import Answer
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import YOU, Explanation, explain
from bridge.microsoft.sign_in.same_account import SameAccount
from bridge.microsoft.sign_in.scopes import PROFILE, READ
from bridge.microsoft.sign_in.status import SignInStatus, locked, needed
from bridge.microsoft.sign_in.stored_sign_in import StoredSignIn, UnreadableCacheError
from bridge.microsoft.sign_in.token_cache import TokenCache

log = logging.getLogger(__name__)


class PersonSignIn:
    """The sign-in of one account table; ``run`` carries attempts out."""

    def __init__(
        self,
        expected: Expected,
        *,
        app: PublicApp,
        workers: MsalWorkers,
        cache: TokenCache,
        clock: Clock,
        stored: bool = False,
        way: Way = Way.DEVICE_CODE,
        scopes: Sequence[str] = (READ, PROFILE),
        same_account: SameAccount | None = None,
        random: Random = _random,
    ) -> None:
        self._expected, self._slug = expected, expected.slug
        self._stored = StoredSignIn(app, workers=workers, cache=cache, scopes=scopes)
        self._token = AccessToken(self._slug, self._renew, clock=clock)
        self._status = SignInStatus(
            expected, app, stored=stored, same_account=same_account or SameAccount()
        )
        self._attempts = Attempts(
            expected,
            way,
            app=app,
            workers=workers,
            scopes=scopes,
            status=self._status,
            adopt=self._adopt,
            failed=self._failed,
            clock=clock,
            random=random,
        )
        self._refusal: Explanation | None = None
        self._may_offer = True
        self.sign_in: Latest[SignIn] = self._status.sign_in
        """The sign-in as people see it."""

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token, as ``AccessToken.get``; where somebody must sign in, that is offered."""
        try:
            token = await self._token.get(claims=claims, refresh=refresh)
        except SourceUnavailableError as error:
            self._status.trouble = f"{error}."
            self._status.show()
            raise
        self._may_offer, self._status.trouble = True, None
        if not self._status.is_signed_in:
            self._status.signed_in(await self._stored.who())
        self._status.show()
        return token

    def request(self, way: Way | None = None) -> None:
        """Start an attempt soon, by the account's own way if no other is given.

        One that runs goes on, unless it goes another way. A newcomer is not kept.
        """
        self._status.begin()
        self._attempts.request(way)
        self._status.show()

    async def keep(self) -> None:
        """Let the newcomer take the place of who was signed in, as ``take_newcomer`` has them."""
        if waiting := self._status.take_newcomer().waiting:
            await self._take(waiting)
        self._status.show()

    def use_scopes(self, scopes: Sequence[str]) -> None:
        """Let the next who signs in consent to ``scopes``; what is stored goes on as it is."""
        self._attempts.scopes = scopes

    def cancel(self) -> None:
        """Take an attempt back, and a newcomer who waits; what is stored stays."""
        self._attempts.cancel()
        self._status.withdraw()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that the browser ended on; ``sign_in`` shows what follows."""
        self._attempts.finish_browser(pasted)

    async def sign_out(self) -> None:
        """Forget the person and the file, and take an attempt back. Raises as ``delete``."""
        self.cancel()
        self._stored.interrupt()
        await self._token.discard(self._stored.delete)
        self._status.signed_out()
        self._refusal = self._status.trouble = None
        self._may_offer = False
        self._status.show()

    async def run(self, *, may_offer: bool = True) -> None:
        """Carry attempts out until cancelled; without ``may_offer`` only requested ones."""
        self._may_offer &= may_offer
        self._status.waiting = None
        self._status.show()
        try:
            await self._attempts.run()
        finally:
            self._status.leave()

    async def _adopt(self, granted: Granted) -> None:
        """Somebody signed in: whoever is expected takes the place of who was before."""
        before = self._status.unless_unwanted(await self._stored.who())
        if why := self._expected.refusal(granted.who):
            self._failed(Failed(why))
            return
        newcomer = self._expected.newcomer(granted, before)
        if newcomer and newcomer.waiting:
            log.warning("%s: another person than before signed in: keep them?", self._slug)
        else:
            await self._take(granted)
        self._status.newcomer = newcomer

    async def _take(self, granted: Granted) -> None:
        """What was granted takes the place of what is stored."""
        await self._token.replace(partial(self._stored.adopt, granted))
        self._status.signed_in(granted.who)
        self._refusal = self._attempts.claims = self._status.trouble = None
        self._may_offer = True
        log.info("%s is signed in", self._slug)

    def _failed(self, end: Failed) -> None:
        """An attempt ended without tokens; who is signed in stays so."""
        if self._status.is_signed_in and end.ran_out:
            log.info("%s: nobody signed in; the sign-in before stays in use", self._slug)
            return
        level = logging.WARNING if end.ran_out else logging.ERROR
        log.log(level, "%s: %s", self._slug, end.why.line(self._slug))
        self._status.failed(end.why)

    async def _renew(self, claims: str | None, refresh: bool) -> Answer:  # noqa: FBT001 - as ``Renew``
        if self._refusal:
            raise needed(self._refusal)
        try:
            answer = await self._stored.renew(
                claims=claims, refresh=refresh, any_age=not self._token.works
            )
        except OtherKeyError as error:
            raise self._refused(locked(error.key_id)) from error
        except UnreadableCacheError as error:
            raise self._unreadable(error.why) from error
        if answer is None:
            raise self._nobody()
        if "access_token" not in answer:
            self._attempts.claims = answer.get("claims") or claims
            raise self._refused(explain(answer))
        who = await self._stored.who()
        if why := self._expected.refusal(who):
            raise self._refused(why)
        self._status.signed_in(who)
        return answer

    def _nobody(self) -> SignInNeededError:
        if self._status.is_signed_in:
            self._status.signed_out()
        self._offer()
        return SignInNeededError("Nobody is signed in.", remedy="Sign in.")

    def _refused(self, why: Explanation) -> SignInNeededError:
        """Microsoft, or a key, refuses what is stored."""
        self._refusal = why
        self._status.ended(why)
        log.error("%s: %s", self._slug, why.line(self._slug))
        self._offer(why)
        return needed(why)

    def _unreadable(self, what: Unreadable) -> SignInUnreadableError:
        """It is there, and once somebody has mended the file it goes on as if nothing was."""
        text = f"The stored sign-in cannot be read: {what.why}."
        why = Explanation(text, remedy=f"Run: {what.cure}", who=YOU)
        if self._status.ended(why):
            log.error("%s: %s", self._slug, why.line(self._slug))
        self._status.trouble = None
        self._status.show()
        return SignInUnreadableError(why.text, remedy=why.remedy)

    def _offer(self, why: Explanation | None = None) -> None:
        """Offer a sign-in by itself, once until a token works; ``why`` may speak for one way."""
        self._status.trouble = None
        if self._may_offer:
            self._may_offer = False
            self._attempts.offer(why)
        self._status.show()
