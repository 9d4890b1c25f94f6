"""The sign-ins of one account that somebody asked for: one at a time, each to its end.

Never starts one unasked, and never keeps a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import random as _random
from typing import Any

import msal
from tenacity import AsyncRetrying, retry_if_result

from bridge.contract.account import Way
from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.again import WaitAsAsked
from bridge.microsoft.browser import Browser
from bridge.microsoft.device_code import SCOPES, Answer, DeviceCode, Flow, Work, is_passing
from bridge.microsoft.loopback import listening
from bridge.microsoft.remedies import explain
from bridge.microsoft.standing import Standing
from bridge.retry import Random

AGAIN_FIRST_S, AGAIN_MOST_S = 5.0, 60.0
"""Waits between sign-ins that could not begin; msal replays a failure for 60 s an object."""

Adopt = Callable[[msal.SerializableTokenCache, Answer], Awaitable[None]]


class Attempts:
    """Does the sign-ins of one account; ``adopt`` gets the tokens of each that worked."""

    def __init__(
        self,
        slug: str,
        *,
        way: Way,
        scopes: Sequence[str] = SCOPES,
        new_app: Callable[[msal.SerializableTokenCache], Any],
        adopt: Adopt,
        standing: Standing,
        work: Work,
        clock: Clock,
        random: Random = _random,
    ) -> None:
        self.claims: str | None = None
        """What Microsoft wants of the next sign-in, from a claims challenge."""
        self._slug, self._usual, self._scopes = slug, way, scopes
        self._new_app, self._adopt, self._standing = new_app, adopt, standing
        self._work, self._clock, self._random = work, clock, random
        self._way = way
        self._wanted = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._browser: Browser | None = None
        self._begun: Latest[Answer | None] = Latest(None)

    def request(self, way: Way | None = None) -> None:
        """Start a sign-in soon; one that runs goes on, unless another way is asked for."""
        way = way or self._usual
        if self._wanted.is_set() and way is not self._way and self._running:
            self._running.cancel()
            self._browser = None
        goes_on = self._wanted.is_set() and way is self._way
        if not goes_on or "verification_uri" not in (self._begun.value or {}):
            self._begun.set(None)
        self._way = way
        self._wanted.set()

    async def request_browser(self) -> str:
        """Start a sign-in in a browser, or go on with one; returns the address to open.

        Raises:
            PersonMustActError: It cannot begin; the remedy says what to change.
            SourceUnavailableError: Microsoft cannot be reached; it begins as soon as it can.
        """
        self.request(Way.BROWSER)
        async for begun in self._begun.watch():
            if begun and "verification_uri" in begun:
                return str(begun["verification_uri"])
            if begun and is_passing(begun):
                raise SourceUnavailableError("Microsoft's sign-in cannot be reached now.")
            if begun:
                told = explain(begun)
                raise PersonMustActError(told.text, remedy=told.remedy)
        raise AssertionError("watch never ends")

    def hand_in(self, pasted: str) -> None:
        """Give the address that a browser ended on to the sign-in that waits for it.

        Raises:
            PersonMustActError: None waits, or it is another address.
        """
        if self._browser is None:
            raise PersonMustActError(
                "No sign-in waits for an address.", remedy="Start one in the browser first."
            )
        self._browser.hand_in(pasted)

    def cancel(self) -> None:
        """End the sign-in that runs, if one does."""
        self._over()
        if self._running:
            self._running.cancel()

    async def run(self) -> None:
        """Do the sign-ins that are requested, until cancelled."""
        while True:
            await self._wanted.wait()
            attempt = asyncio.create_task(self._attempt(), name=f"{self._way}-{self._slug}")
            self._running = attempt
            try:
                await asyncio.wait({attempt})
            finally:
                attempt.cancel()
                await asyncio.wait({attempt})
            if not attempt.cancelled():
                attempt.result()

    async def _attempt(self) -> None:
        """One sign-in, from nothing: its token cache holds nothing of an earlier person."""
        tokens = msal.SerializableTokenCache()
        parts: dict[str, Any] = {
            "work": self._work,
            "clock": self._clock,
            "scopes": self._scopes,
            "claims": self.claims,
        }
        new_app = partial(self._new_app, tokens)
        self._standing.begins()
        if self._way is Way.DEVICE_CODE:
            await self._carry_out(DeviceCode(new_app, **parts), tokens)
        else:
            async with listening(self.hand_in) as redirect_uri:
                self._browser = Browser(
                    new_app, redirect_uri=redirect_uri, random=self._random, **parts
                )
                await self._carry_out(self._browser, tokens)

    async def _carry_out(self, flow: Flow, tokens: msal.SerializableTokenCache) -> None:
        """Begin until it can begin, then finish."""

        async def begin() -> Answer:
            answer = await flow.begin()
            if "verification_uri" not in answer:
                if not _cannot_begin_yet(answer):
                    self._over()
                self._standing.failed(answer)
            self._begun.set(answer)
            return answer

        answer: Answer = await AsyncRetrying(
            retry=retry_if_result(_cannot_begin_yet),
            wait=WaitAsAsked(first_s=AGAIN_FIRST_S, most_s=AGAIN_MOST_S, random=self._random),
            sleep=self._clock.sleep,
        )(begin)
        if "verification_uri" not in answer:
            return
        self._standing.waits(answer)
        answer = await flow.finish(answer)
        if "access_token" in answer:
            await self._adopt(tokens, answer)
            self._over()
            self._standing.worked()
        else:
            self._over()
            self._standing.failed(answer)

    def _over(self) -> None:
        """From now on a request starts another sign-in."""
        self._wanted.clear()
        self._browser = None


def _cannot_begin_yet(answer: Answer) -> bool:
    return "verification_uri" not in answer and is_passing(answer)
