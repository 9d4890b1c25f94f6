"""The sign-in of one person, from what is stored or from a request to the token.

One place keeps where it stands. What is stored is ``signed_in`` until Microsoft refuses it; an
attempt to sign in runs beside it, and takes its place only when somebody has done it. Somebody who
was never signed in, or is thrown out, is asked once each time; who signs out is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from random import random as _random

import msal

from bridge.config.unreadable import Unreadable
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    PersonMustActError,
    SignInNeededError,
    SignInUnreadableError,
    SourceUnavailableError,
)
from bridge.contract.latest import Latest
from bridge.microsoft.sign_in.access_token import AccessToken
from bridge.microsoft.sign_in.answers import Answer
from bridge.microsoft.sign_in.browser import Browser
from bridge.microsoft.sign_in.device_code import DeviceCode
from bridge.microsoft.sign_in.encryption import OtherKeyError
from bridge.microsoft.sign_in.flow import Failed, Flow, Granted, Waiting, wait_s
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.remedies import YOU, Explanation, explain
from bridge.microsoft.sign_in.scopes import PROFILE, READ
from bridge.microsoft.sign_in.status import ended, line, needed, shown
from bridge.microsoft.sign_in.stored import PublicApp, StoredSignIn, UnreadableCacheError
from bridge.microsoft.sign_in.token_cache import TokenCache
from bridge.retry import Random

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 5.0, 60.0
"""Waits between attempts that could not begin."""


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
        self._slug, self._app, self._workers, self._clock = slug, app, workers, clock
        self._usual_way, self._scopes, self._random = way, list(scopes), random
        self._stored = StoredSignIn(app, workers=workers, cache=cache, scopes=scopes)
        self._token = AccessToken(slug, self._renew, clock=clock)
        # what is stored, and what waits; ``shown`` makes of it what people see
        self._settled = SignIn(SignInState.SIGNED_IN if stored else SignInState.SIGNED_OUT)
        self._lost: Explanation | None = None
        self._claims: str | None = None
        self._trouble: str | None = None  # with what is stored
        self._hindrance: str | None = None  # of the attempt
        self._waiting: Waiting | None = None
        self._expires_at: datetime | None = None
        self._may_offer = True
        # the attempt
        self._wanted: Way | None = None
        self._flow: Flow | None = None
        self._attempting: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.sign_in: Latest[SignIn] = Latest(self._settled)
        """Where it stands, as people see it."""

    # What others ask for.

    async def token(self, *, claims: str | None = None, refresh: bool = False) -> str:
        """An access token; ``claims`` answers a challenge, ``refresh`` replaces a refused one.

        Raises:
            SignInNeededError: A person must sign in; where that is news, they are asked.
            SourceUnavailableError: None can be had now, and the old one has ended.
        """
        try:
            token = await self._token.get(claims=claims, refresh=refresh)
        except SourceUnavailableError as error:
            self._trouble = f"{error}."
            self._show()
            raise
        self._may_offer, self._trouble = True, None
        if self._settled.state is not SignInState.SIGNED_IN:
            self._settled = SignIn(SignInState.SIGNED_IN)
        self._show()
        return token

    def request(self, way: Way | None = None) -> None:
        """Start an attempt soon, by the account's own way if no other is given.

        One that runs goes on, unless it goes another way.
        """
        self._settled = SignIn(self._settled.state)
        self._start(way or self._usual_way)
        self._show()

    def ask_for(self, scopes: Sequence[str]) -> None:
        """Ask the next person who signs in for ``scopes``; what stands goes on as it is."""
        self._scopes = list(scopes)

    def cancel(self) -> None:
        """Take an attempt back; what is stored stays."""
        if self._wanted and self._attempting:
            self._attempting.cancel()
        self._end_attempt()
        self._show()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that the browser ended on; ``sign_in`` tells what follows.

        Raises:
            PersonMustActError: It is not the one that is waited for; the text says which is.
        """
        if not isinstance(self._flow, Browser):
            raise PersonMustActError(
                "No sign-in waits for an address.", remedy="Start one in the browser first."
            )
        self._flow.hand_in(pasted)

    async def sign_out(self) -> None:
        """Forget the person and the file, and take an attempt back.

        Raises:
            PersonMustActError: The file cannot be deleted; nothing is forgotten then.
        """
        self.cancel()
        self._stored.interrupt()
        await self._token.discard(self._stored.delete)
        self._settled, self._lost, self._trouble = SignIn(), None, None
        self._may_offer = False
        self._show()

    async def run(self, *, may_offer: bool = True) -> None:
        """Carry attempts out until cancelled; without ``may_offer`` only requested ones."""
        self._may_offer &= may_offer
        self._waiting = None
        while True:
            if self._wanted is None:
                await self._wake.wait()
            self._wake.clear()
            if self._wanted is None:
                continue
            attempt = self._attempt(self._wanted)
            self._attempting = asyncio.create_task(attempt, name=f"{self._wanted}-{self._slug}")
            try:
                await asyncio.wait({self._attempting})
            finally:
                self._attempting.cancel()
                await asyncio.wait({self._attempting})
            if not self._attempting.cancelled():
                self._attempting.result()

    # An attempt.

    def _start(self, way: Way) -> None:
        if self._wanted not in (None, way):
            self.cancel()
        self._wanted = way
        self._wake.set()

    def _end_attempt(self) -> None:
        self._wanted = self._flow = self._waiting = self._hindrance = None

    async def _attempt(self, way: Way) -> None:
        """Begin until it can begin, and go on to its end."""
        failures = 0
        while True:
            try:
                return await self._go_through(way)
            except SourceUnavailableError as error:
                failures += 1
                if failures == 1:
                    log.warning("%s: %s; it is tried again", self._slug, error)
                self._hindrance = f"{error}. It is tried again."
                self._show()
                rest_s = wait_s(
                    error,
                    failures,
                    first_s=RETRY_FIRST_S,
                    most_s=RETRY_MOST_S,
                    random=self._random,
                )
            await self._clock.sleep(rest_s)

    async def _go_through(self, way: Way) -> None:
        tokens = msal.SerializableTokenCache()  # which holds nothing of an earlier person
        client = self._workers.client(partial(self._app.open, tokens))
        scopes, claims, clock = self._scopes, self._claims, self._clock
        flow: Flow
        if way is Way.DEVICE_CODE:
            flow = DeviceCode(client, scopes=scopes, claims=claims, clock=clock)
        else:
            flow = Browser(client, scopes=scopes, claims=claims, clock=clock, random=self._random)
        self._flow = flow
        async with aclosing(flow.steps()) as steps:
            async for step in steps:
                if isinstance(step, Waiting):
                    self._wait_for_somebody(step)
                elif isinstance(step, Granted):
                    await self._adopt(step.answer, tokens, scopes)
                else:
                    self._failed(step)

    def _wait_for_somebody(self, waiting: Waiting) -> None:
        self._waiting, self._hindrance = waiting, None
        self._expires_at = self._clock.now() + timedelta(seconds=waiting.lifetime_s)
        log.info("%s: %s", self._slug, waiting.message)
        self._show()

    async def _adopt(
        self, answer: Answer, tokens: msal.SerializableTokenCache, scopes: Sequence[str]
    ) -> None:
        """Somebody signed in: their tokens take the place of those before."""
        self._wanted = self._flow = None  # from now on nothing takes it back but a sign-out
        await self._token.replace(partial(self._stored.adopt, answer, tokens, scopes))
        self._settled = SignIn(SignInState.SIGNED_IN)
        self._lost = self._claims = self._trouble = self._waiting = None
        self._may_offer = True
        log.info("%s is signed in", self._slug)
        self._show()

    def _failed(self, step: Failed) -> None:
        """It ended without tokens; a sign-in that stands, stands."""
        self._end_attempt()
        signed_in = self._settled.state is SignInState.SIGNED_IN
        if signed_in and step.ran_out:
            log.info("%s: nobody signed in anew; the sign-in before goes on", self._slug)
        else:
            log.log(
                logging.WARNING if step.ran_out else logging.ERROR,
                "%s: %s",
                self._slug,
                line(step.why, self._slug),
            )
            self._settled = ended(step.why, self._slug, signed_in=signed_in)
        self._show()

    # What is stored.

    async def _renew(self, claims: str | None, refresh: bool) -> Answer:  # noqa: FBT001 - as ``Renew``
        if self._lost:
            raise needed(self._lost)
        try:
            answer = await self._stored.renew(
                claims=claims, refresh=refresh, any_age=not self._token.works
            )
        except OtherKeyError as error:
            raise self._lose(_locked(error.key_id)) from error
        except UnreadableCacheError as error:
            raise self._unread(error.why) from error
        if answer is None:
            raise self._nobody()
        if "access_token" not in answer:
            self._claims = answer.get("claims") or claims
            raise self._lose(explain(answer))
        self._settled = SignIn(SignInState.SIGNED_IN)
        return answer

    def _nobody(self) -> SignInNeededError:
        if self._settled.state is SignInState.SIGNED_IN:
            self._settled = SignIn()
        self._offer()
        return SignInNeededError("Nobody is signed in.", remedy="Sign in.")

    def _lose(self, why: Explanation) -> SignInNeededError:
        """Microsoft, or a key, refuses what is stored."""
        self._lost, self._settled = why, ended(why, self._slug)
        log.error("%s: %s", self._slug, line(why, self._slug))
        self._offer()
        return needed(why)

    def _unread(self, what: Unreadable) -> SignInUnreadableError:
        """It is there, and once somebody has mended the file it goes on as if nothing was."""
        why = _act(f"The stored sign-in cannot be read: {what.why}.", f"Run: {what.cure}")
        before, self._settled = self._settled, ended(why, self._slug)
        if self._settled != before:
            log.error("%s: %s", self._slug, line(why, self._slug))
        self._trouble = None
        self._show()
        return SignInUnreadableError(why.text, remedy=why.remedy)

    def _offer(self) -> None:
        """Offer a sign-in by itself, once until a token works again."""
        self._trouble = None
        if self._may_offer:
            self._may_offer = False
            self._start(self._usual_way if self._wanted is None else self._wanted)
        self._show()

    def _show(self) -> None:
        now = shown(
            self._settled,
            waiting=self._waiting,
            expires_at=self._expires_at,
            trouble=self._hindrance or self._trouble,
        )
        if now != self.sign_in.value:
            self.sign_in.set(now)


def _locked(key_id: str) -> Explanation:
    return _act(
        f"The stored sign-in is encrypted with another key ({key_id}).",
        "Put that key back as key_file in [security] and restart, or sign in again.",
    )


def _act(text: str, remedy: str) -> Explanation:
    return Explanation(text=text, remedy=remedy, who=YOU, passes=False, sign_in_again=False)
