"""Reads one source at the cadence's pace and reports what follows. Never sends a request itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from random import random as _random

from bridge.config import PollingSettings
from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import AccessRefusedError, SignInNeededError, TryAgainError
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Presence
from bridge.polling.cadence import History, Pace, pace
from bridge.polling.known import Known
from bridge.polling.source import Source
from bridge.retry import Random

log = logging.getLogger(__name__)

READ_DEADLINE_S = 30.0
READ_DEADLINE_EACH_S = 0.001
"""And so much more for each account."""
CALL_SHARE_S = 0.04
"""At least so long a pause for each request of a read: half of the budget at the most."""
REFUSED_S = 300.0
"""Wait after Graph refuses access: a person must change something."""
POLLS_MISSED, STALE_AFTER_S = 3, 300.0
"""Presence is current for so many polls, and so many seconds, after the last good one."""
SOON_S = 0.01
"""Less than this is now."""
JUMP_S = 30.0
"""The wall clock ran this much ahead of the monotonic one: the machine slept."""


@dataclass(frozen=True, slots=True)
class Status:
    """How one source fares."""

    last_poll_ok: datetime | None = None
    last_poll_attempt: datetime | None = None
    consecutive_failures: int = 0
    problem: str | None = None
    next_poll: datetime | None = None
    pace: Pace | None = None
    throttled_until: datetime | None = None


class Poller:
    """The loop over one source.

    ``report`` gets the facts of an account that are news; ``announce`` is called before, when the
    accounts of the source are others.
    """

    def __init__(
        self,
        source: Source,
        *,
        settings: PollingSettings,
        report: Callable[[AccountFacts], None],
        announce: Callable[[], None] = lambda: None,
        clock: Clock,
        hours: WeeklyHours | None = None,
        zone: tzinfo | None = None,
        random: Random = _random,
    ) -> None:
        self._source, self._settings, self._report = source, settings, report
        self._clock, self._hours, self._zone, self._random = clock, hours, zone, random
        self._announce = announce
        self._known = Known()
        self._known.follow(source.accounts)
        self._history = History()
        self._status = Status()
        self._wake = asyncio.Event()
        self._asked = False
        self._refused: SignIn | None = None

    @property
    def status(self) -> Status:
        """How the source fares now."""
        return replace(self._status, throttled_until=self._source.throttled_until)

    def poll_now(self) -> None:
        """Read at once instead of at the next turn."""
        self._wake.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_sign_in(), name=f"watch-{self._source.slug}")
            tasks.create_task(self._grow_stale(), name=f"stale-{self._source.slug}")
            while True:
                self._wake.clear()
                wait_s = await self._poll()
                await self._rest(wait_s)

    async def _poll(self) -> float:
        """Read once; return the seconds until the next turn."""
        self._status = replace(self._status, last_poll_attempt=self._clock.now())
        try:
            async with asyncio.timeout(self._deadline_s):
                presences = await self._source.read()
        except SignInNeededError as error:
            return self._sign_in_needed(error)
        except AccessRefusedError as error:
            return self._access_refused(error)
        except (TryAgainError, TimeoutError) as error:
            return self._failed(error)
        return self._good(presences)

    def _good(self, presences: Mapping[str, Presence]) -> float:
        now = self._clock.now()
        if self._status.problem:
            log.info("%s: presence is back", self._source.slug)
        self._refused = None
        self._follow()
        changed = self._known.poll(presences, now)
        self._history = History(
            changed_at=now if changed else self._history.changed_at,
            presences=self._known.presences,
        )
        chosen = pace(
            self._history,
            now,
            self._settings,
            random=self._random,
            hours=self._hours,
            zone=self._zone,
        )
        fair_s = self._source.calls * CALL_SHARE_S
        if fair_s > chosen.delay_s:
            chosen = Pace(fair_s, "a fair share of the requests")
        lasts_s = max(POLLS_MISSED * chosen.delay_s, STALE_AFTER_S)
        self._known.hold_until(now + timedelta(seconds=lasts_s))
        self._status = Status(
            last_poll_ok=now,
            last_poll_attempt=now,
            pace=chosen,
            next_poll=now + timedelta(seconds=chosen.delay_s),
        )
        self._tell()
        return chosen.delay_s

    def _failed(self, error: Exception) -> float:
        text = str(error) or "Microsoft did not answer in time"
        self._history = replace(self._history, failures=self._history.failures + 1)
        asked = error.retry_after_s if isinstance(error, TryAgainError) else None
        chosen = pace(self._history, self._clock.now(), self._settings, random=self._random)
        if asked is not None:
            chosen = Pace(max(asked, self._settings.fastest), "Microsoft asked us to wait")
        self._problem(text, chosen)
        return chosen.delay_s

    def _sign_in_needed(self, error: SignInNeededError) -> float:
        if not self._asked:
            self._asked = True
            self._source.request_sign_in()
        self._problem(str(error), None)
        return REFUSED_S

    def _access_refused(self, error: AccessRefusedError) -> float:
        self._refused = SignIn(
            SignInState.ERROR,
            message=str(error).removesuffix(error.remedy).strip(),
            remedy=error.remedy,
            who="your admin",
        )
        self._problem(str(error), Pace(REFUSED_S, "access is refused"))
        return REFUSED_S

    def _problem(self, text: str, chosen: Pace | None) -> None:
        now = self._clock.now()
        if not self._status.problem:
            log.warning("%s: no presence: %s", self._source.slug, text)
        self._status = replace(
            self._status,
            problem=text,
            consecutive_failures=self._status.consecutive_failures + 1,
            pace=chosen,
            next_poll=now + timedelta(seconds=chosen.delay_s) if chosen else None,
        )
        self._tell()

    async def _rest(self, seconds: float) -> None:
        """Wait, but wake when asked, and after a sleep of the machine."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        while not self._wake.is_set():
            passed = self._clock.monotonic() - monotonic
            slept = (self._clock.now() - wall).total_seconds() - passed > JUMP_S
            left = seconds - passed
            if slept or left < SOON_S:
                return
            await self._first_of(min(left, JUMP_S))

    async def _grow_stale(self) -> None:
        """Tell when facts are no longer fresh, also while a read hangs."""
        while True:
            await self._clock.sleep(self._seconds_fresh())
            self._tell()

    async def _first_of(self, seconds: float) -> None:
        waiting = asyncio.create_task(self._wake.wait(), name="poller-wake")
        resting = asyncio.create_task(self._clock.sleep(seconds), name="poller-rest")
        try:
            await asyncio.wait({waiting, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, resting):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def _seconds_fresh(self) -> float:
        now = self._clock.now()
        until = self._known.fresh_until(now)
        return max(SOON_S, (until - now).total_seconds()) if until else JUMP_S

    async def _watch_sign_in(self) -> None:
        before = self._source.sign_in.value.state
        async for sign_in in self._source.sign_in.watch():
            came, before = sign_in.state is not before, sign_in.state
            if came and sign_in.state is SignInState.SIGNED_IN and self._status.problem:
                self.poll_now()  # which also tells, so that nobody sees "signed in, no presence"
            else:
                self._tell()

    def _tell(self) -> None:
        self._follow()
        for facts in self._known.tell(
            self._clock.now(), self._refused or self._source.sign_in.value
        ):
            self._report(facts)

    def _follow(self) -> None:
        if self._known.follow(self._source.accounts):
            self._announce()

    @property
    def _deadline_s(self) -> float:
        return READ_DEADLINE_S + len(self._source.accounts) * READ_DEADLINE_EACH_S
