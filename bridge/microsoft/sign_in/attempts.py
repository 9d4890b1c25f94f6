"""Carries out the sign-in flows of one account table: one at a time, each to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING

from bridge.contract.account import SignIn, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.contract.retry import Random
from bridge.microsoft.sign_in.device_code import by_device_code
from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.flow import Failed, Granted, Step, wait_s
from bridge.microsoft.sign_in.msal_client import MsalClient, MsalWorkers
from bridge.microsoft.sign_in.msal_library import library
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import Explanation
from bridge.microsoft.sign_in.status import SignInStatus, instead
from bridge.microsoft.sign_in.ways import instead_of, usable

if TYPE_CHECKING:
    import msal

    from bridge.microsoft.sign_in.browser import Browser

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 5.0, 60.0
"""Waits between flows that could not begin."""


class Attempts:
    """The attempts to sign one person in; ``adopt`` and ``failed`` learn how each ends.

    A way that is refused as such is followed by the other one, once.
    """

    def __init__(
        self,
        expected: Expected,
        usual_way: Way,
        *,
        app: PublicApp,
        workers: MsalWorkers,
        scopes: Sequence[str],
        status: SignInStatus,
        adopt: Callable[[Granted], Awaitable[None]],
        failed: Callable[[Failed], None],
        clock: Clock,
        random: Random,
    ) -> None:
        self._slug, self._proposed, self._usual_way = expected.slug, expected.address, usual_way
        self._app, self._workers, self._status = app, workers, status
        self._adopt, self._failed = adopt, failed
        self._clock, self._random = clock, random
        self.scopes: Sequence[str] = scopes
        self.claims: str | None = None
        """What the next flow asks for."""
        self.way: Way | None = None
        """How somebody is to sign in, while they are."""
        self._refused_ways: set[Way] = set()
        """The ways that Microsoft refuses, whatever a person does."""
        self._refused: Explanation | None = None
        """Why it is not the way that was begun with."""
        self._browser: Browser | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    def request(self, way: Way | None) -> None:
        """Begin soon because a person wants to; a flow that runs goes on, unless by another way.

        A ``way`` that is named is tried also where it was refused.
        """
        if way:
            self._refused_ways.discard(way)
        self._start(way or usable(self._usual_way, self._refused_ways), None)

    def offer(self, why: Explanation | None) -> None:
        """Begin soon by the way that is usable after ``why``; what runs goes on."""
        if why:
            self._refused_ways.update(why.refuses)
        usual = self._usual_way
        way = self.way or usable(usual, self._refused_ways)
        is_about_it = why is not None and usual in why.refuses and way is not usual
        self._start(way, why if is_about_it else None)

    def _start(self, way: Way, why: Explanation | None) -> None:
        """``why`` is shown with it, where it is offered instead of another way."""
        if self.way is not way:
            if self.way:
                self.cancel()
            self.way, self._refused = way, why
        self._started.set()

    def cancel(self) -> None:
        """Take the flow back, unless somebody has signed in by it already."""
        if self.way and self._task:
            self._task.cancel()
        self._end()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that the browser ended on. Raises as ``hand_in``."""
        if self._browser is None:
            raise PersonMustActError(
                "No sign-in waits for an address.", remedy="Start one in the browser first."
            )
        self._browser.hand_in(pasted)

    async def run(self) -> None:
        """Carry out what is started, until cancelled."""
        while True:
            if self.way is None:
                await self._started.wait()
            self._started.clear()
            if self.way is None:
                continue
            attempt = self._attempt(self.way)
            self._task = asyncio.create_task(attempt, name=f"{self.way}-{self._slug}")
            try:
                await asyncio.wait({self._task})
            finally:
                self._task.cancel()
                await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()

    def _end(self) -> None:
        self.way = self._browser = self._status.waiting = self._status.cannot_begin = None

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
                self._status.waiting = None
                self._status.cannot_begin = f"{error}. It is tried again."
                self._status.show()
                rest_s = wait_s(
                    error, failures, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S, random=self._random
                )
            await self._clock.sleep(rest_s)

    async def _go_through(self, way: Way) -> None:
        @cache
        def tokens() -> msal.SerializableTokenCache:  # on a worker; nothing of an earlier person
            return library().SerializableTokenCache()

        client = self._workers.client(lambda requests: self._app.open(tokens(), requests))
        scopes = list(self.scopes)
        async with aclosing(self._steps(way, client, scopes)) as steps:
            async for step in steps:
                if isinstance(step, SignIn):
                    log.info("%s: %s", self._slug, step.message)
                    why, self._status.cannot_begin = self._refused, None
                    self._status.waiting = instead(step, way, why, self._app) if why else step
                elif isinstance(step, Failed):
                    self._failed_by(way, step)
                else:
                    self.way = self._browser = None  # only a sign-out takes it back from now on
                    await self._adopt(Granted(step, tokens(), scopes))
                    self._status.waiting = None
                self._status.show()

    def _failed_by(self, way: Way, end: Failed) -> None:
        """Go on with the other way, where ``end`` is about this one and that was not tried."""
        before, self._refused = self._refused, None
        if way in end.why.refuses:
            self._refused_ways.add(way)
        if before is None and (other := instead_of(way, self._refused_ways)):
            log.warning("%s: %s", self._slug, end.why.line(self._slug))
            self.way, self._refused, self._browser = other, end.why, None
        else:
            self._end()
            self._failed(Failed(before) if before and end.ran_out else end)

    def _steps(
        self, way: Way, client: MsalClient, scopes: Sequence[str]
    ) -> AsyncGenerator[Step, None]:
        claims, clock = self.claims, self._clock
        if way is Way.DEVICE_CODE:
            return by_device_code(client, scopes=scopes, claims=claims, clock=clock)
        from bridge.microsoft.sign_in.browser import Browser  # noqa: PLC0415 - aiohttp.web

        self._browser = Browser(
            client,
            scopes=scopes,
            claims=claims,
            account=self._proposed,
            clock=clock,
            random=self._random,
        )
        return self._browser.steps()
