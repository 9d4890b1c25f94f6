"""The sign-in of one person: what is stored, and the attempts to sign in.

What is stored is ``signed_in`` until Microsoft refuses it; an attempt runs beside it, and takes its
place only when somebody has signed in. Somebody who was never signed in, or is thrown out, is
offered a sign-in once each time; who signs out is not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from random import random as _random
from typing import TYPE_CHECKING

from bridge.config.unreadable_file import Unreadable
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError, SignInUnreadableError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.sign_in.answers import Answer
from bridge.microsoft.sign_in.attempts import Attempts
from bridge.microsoft.sign_in.encryption import OtherKeyError
from bridge.microsoft.sign_in.flow import Failed
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.remedies import YOU, Explanation, explain
from bridge.microsoft.sign_in.scopes import PROFILE, READ
from bridge.microsoft.sign_in.status import ended, line, needed, shown
from bridge.microsoft.sign_in.stored import PublicApp, StoredSignIn, UnreadableCacheError
from bridge.microsoft.sign_in.token_cache import TokenCache
from bridge.microsoft.sign_in.tokens import AccessToken
from bridge.retry import Random

if TYPE_CHECKING:
    import msal

log = logging.getLogger(__name__)


class PersonSignIn:
    """The sign-in of one account table; ``run`` carries attempts out."""

    def __init__(
        self,
        slug: str,
        *,
        app: PublicApp,
        workers: MsalWorkers,
        cache: TokenCache,
        clock: Clock,
        stored: bool = False,
        way: Way = Way.DEVICE_CODE,
        scopes: Sequence[str] = (READ, PROFILE),
        random: Random = _random,
    ) -> None:
        self._slug, self._usual_way = slug, way
        self._stored = StoredSignIn(app, workers=workers, cache=cache, scopes=scopes)
        self._token = AccessToken(slug, self._renew, clock=clock)
        self._attempts = Attempts(
            slug,
            app=app,
            workers=workers,
            scopes=scopes,
            adopt=self._adopt,
            failed=self._failed,
            changed=self._show,
            clock=clock,
            random=random,
        )
        self._status = SignIn(SignInState.SIGNED_IN if stored else SignInState.SIGNED_OUT)
        """Of what is stored; ``shown`` makes of it, and of the attempt, what people see."""
        self._refusal: Explanation | None = None
        self._trouble: str | None = None
        self._may_offer = True
        self.sign_in: Latest[SignIn] = Latest(self._status)
        """The sign-in as people see it."""

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token; ``claims`` answers a challenge, ``refresh`` replaces a refused one.

        Raises:
            SignInNeededError: A person must sign in; where that is news, a sign-in is offered.
            SourceUnavailableError: None can be had now, and the old one has ended.
        """
        try:
            token = await self._token.get(claims=claims, refresh=refresh)
        except SourceUnavailableError as error:
            self._trouble = f"{error}."
            self._show()
            raise
        self._may_offer, self._trouble = True, None
        if self._status.state is not SignInState.SIGNED_IN:
            self._status = SignIn(SignInState.SIGNED_IN)
        self._show()
        return token

    def request(self, way: Way | None = None) -> None:
        """Start an attempt soon, by the account's own way if no other is given.

        One that runs goes on, unless it goes another way.
        """
        self._status = SignIn(self._status.state)
        self._attempts.start(way or self._usual_way)
        self._show()

    def ask_for(self, scopes: Sequence[str]) -> None:
        """Let the next who signs in consent to ``scopes``; what is stored goes on as it is."""
        self._attempts.scopes = scopes

    def cancel(self) -> None:
        """Take an attempt back; what is stored stays."""
        self._attempts.cancel()
        self._show()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that the browser ended on; ``sign_in`` shows what follows.

        Raises:
            PersonMustActError: It is not the one that is waited for; the text says which is.
        """
        self._attempts.finish_browser(pasted)

    async def sign_out(self) -> None:
        """Forget the person and the file, and take an attempt back.

        Raises:
            PersonMustActError: The file cannot be deleted; nothing is forgotten then.
        """
        self.cancel()
        self._stored.interrupt()
        await self._token.discard(self._stored.delete)
        self._status, self._refusal, self._trouble = SignIn(), None, None
        self._may_offer = False
        self._show()

    async def run(self, *, may_offer: bool = True) -> None:
        """Carry attempts out until cancelled; without ``may_offer`` only requested ones."""
        self._may_offer &= may_offer
        self._attempts.waiting = None
        await self._attempts.run()

    async def _adopt(
        self, answer: Answer, tokens: msal.SerializableTokenCache, scopes: Sequence[str]
    ) -> None:
        """Somebody signed in: their tokens take the place of those before."""
        await self._token.replace(partial(self._stored.adopt, answer, tokens, scopes))
        self._status = SignIn(SignInState.SIGNED_IN)
        self._refusal = self._attempts.claims = self._trouble = None
        self._may_offer = True
        log.info("%s is signed in", self._slug)

    def _failed(self, end: Failed) -> None:
        """An attempt ended without tokens; who is signed in stays so."""
        signed_in = self._status.state is SignInState.SIGNED_IN
        if signed_in and end.ran_out:
            log.info("%s: nobody signed in anew; the sign-in before goes on", self._slug)
            return
        level = logging.WARNING if end.ran_out else logging.ERROR
        log.log(level, "%s: %s", self._slug, line(end.why, self._slug))
        self._status = ended(end.why, self._slug, signed_in=signed_in)

    async def _renew(self, claims: str | None, refresh: bool) -> Answer:  # noqa: FBT001 - as ``Renew``
        if self._refusal:
            raise needed(self._refusal)
        try:
            answer = await self._stored.renew(
                claims=claims, refresh=refresh, any_age=not self._token.works
            )
        except OtherKeyError as error:
            raise self._refused(_locked(error.key_id)) from error
        except UnreadableCacheError as error:
            raise self._unreadable(error.why) from error
        if answer is None:
            raise self._nobody()
        if "access_token" not in answer:
            self._attempts.claims = answer.get("claims") or claims
            raise self._refused(explain(answer))
        self._status = SignIn(SignInState.SIGNED_IN)
        return answer

    def _nobody(self) -> SignInNeededError:
        if self._status.state is SignInState.SIGNED_IN:
            self._status = SignIn()
        self._offer()
        return SignInNeededError("Nobody is signed in.", remedy="Sign in.")

    def _refused(self, why: Explanation) -> SignInNeededError:
        """Microsoft, or a key, refuses what is stored."""
        self._refusal, self._status = why, ended(why, self._slug)
        log.error("%s: %s", self._slug, line(why, self._slug))
        self._offer()
        return needed(why)

    def _unreadable(self, what: Unreadable) -> SignInUnreadableError:
        """It is there, and once somebody has mended the file it goes on as if nothing was."""
        why = _act(f"The stored sign-in cannot be read: {what.why}.", f"Run: {what.cure}")
        before, self._status = self._status, ended(why, self._slug)
        if self._status != before:
            log.error("%s: %s", self._slug, line(why, self._slug))
        self._trouble = None
        self._show()
        return SignInUnreadableError(why.text, remedy=why.remedy)

    def _offer(self) -> None:
        """Offer a sign-in by itself, once until a token works again."""
        self._trouble = None
        if self._may_offer:
            self._may_offer = False
            self._attempts.start(self._attempts.way or self._usual_way)
        self._show()

    def _show(self) -> None:
        attempts = self._attempts
        trouble = attempts.trouble or self._trouble
        now = shown(self._status, waiting=attempts.waiting, trouble=trouble)
        if now != self.sign_in.value:
            self.sign_in.set(now)


def _locked(key_id: str) -> Explanation:
    return _act(
        f"The stored sign-in is encrypted with another key ({key_id}).",
        "Put that key back as key_file in [security] and restart, or sign in again.",
    )


def _act(text: str, remedy: str) -> Explanation:
    return Explanation(text=text, remedy=remedy, who=YOU, passes=False, sign_in_again=False)
