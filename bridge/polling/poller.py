"""Reads one source at the cadence's pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta, tzinfo
from functools import partial
from random import random as _random

from bridge.config.tables.config import PollingSettings
from bridge.contract.account import NEEDS_SIGN_IN, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    AccessRefusedError,
    SignInNeededError,
    SignInUnreadableError,
    TryAgainError,
)
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Presence
from bridge.contract.retry import Random
from bridge.contract.supervised import supervised
from bridge.polling.cadence import History, Pace, fair, pace
from bridge.polling.facts import EpochAt, Facts
from bridge.polling.failed_read import Backoff, asked_wait, deadline_s, in_words, reached
from bridge.polling.freshness import valid_until
from bridge.polling.health import INTERNAL_ERROR, NOBODY, REPORT, Status
from bridge.polling.machine_sleep import sleep_until_woken
from bridge.polling.read_order import log_counted_anew
from bridge.polling.reporting import Report, Reporting
from bridge.polling.source import Source

log = logging.getLogger(__name__)

SIGN_IN_S = 300.0
"""Between two looks for a sign-in of which no news came; news of one wakes us."""


class Poller:
    """The loop over one source.

    ``reports`` get the facts of an account that are news; ``announce`` is called before, when the
    accounts of the source are others; ``turned`` when ``status`` has another problem.
    """

    def __init__(
        self,
        source: Source,
        *,
        settings: PollingSettings,
        reports: Collection[Report],
        announce: Callable[[], None] = lambda: None,
        turned: Callable[[], None] = lambda: None,
        clock: Clock,
        hours: WeeklyHours | None = None,
        zone: tzinfo | None = None,
        random: Random = _random,
        epoch: EpochAt = lambda _: None,
    ) -> None:
        self._source, self._settings = source, settings
        self._clock, self._zone, self._random = clock, zone, random
        self._pace = partial(pace, settings=settings, random=random, hours=hours, zone=zone)
        self._facts = Facts(epoch)
        self._facts.follow(source.accounts)
        self._reporting = Reporting(
            source, self._facts, reports=reports, announce=announce, clock=clock
        )
        self._history, self._backoff = History(), Backoff()
        self._status, self._turned = Status(), turned
        self._wake, self._reading = asyncio.Event(), False
        self._is_of_another = False
        """Somebody else has signed in since the read that goes on, or was last, began."""
        self.tried = asyncio.Event()
        """Set when a read has ended, well or not, since ``run`` runs."""

    @property
    def status(self) -> Status:
        """The status of the source now."""
        return self._status._replace(
            problem=self._status.problem or (NOBODY if self._needs_sign_in else None),
            name=self._source.accounts.get(self._source.slug),
            needs_sign_in=self._needs_sign_in,
            throttled_until=self._source.throttled_until,
        )

    def poll_now(self) -> None:
        """Read at once instead of at the next turn."""
        self._wake.set()

    def show_messages(self, *, shown: bool) -> None:
        """Report what people wrote, or no more; the latter at once."""
        self._facts.show_messages(shown=shown)
        self.report_soon()

    def report_soon(self) -> None:
        """Report what is news, also where nothing is read."""
        self._reporting.report_soon()

    def broke(self, error: Exception) -> None:
        """Show that work for this source ended with an ``error`` that nobody foresaw."""
        log.debug("%s: %r", self._source.slug, error)
        self._status = self._status._replace(
            problem=f"{INTERNAL_ERROR} {REPORT}",
            internal_errors=self._status.internal_errors + 1,
        )
        self._reporting.broke()
        self._turned()

    async def run(self) -> None:
        """Poll until cancelled; each of its tasks is started again after an unforeseen error."""
        self.tried.clear()
        works = {"poll": self._read_on, "watch": self._watch_sign_in, "report": self._reporting.run}
        async with asyncio.TaskGroup() as tasks:
            for name, work in works.items():
                kept = supervised(
                    work,
                    name=self._source.slug,
                    clock=self._clock,
                    failed=self.broke,
                    random=self._random,
                )
                tasks.create_task(kept, name=f"{name}-{self._source.slug}")

    async def _read_on(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait_s = await self._poll()
            finally:
                self.tried.set()
            await sleep_until_woken(wait_s, self._wake, self._clock)

    async def _poll(self) -> float:
        """Read once; return the seconds until the next turn."""
        self._status = self._status._replace(last_poll_attempt=self._clock.now())
        self._reading, self._is_of_another = True, False
        try:
            try:
                async with asyncio.timeout(deadline_s(len(self._source.accounts))):
                    answers = await self._source.read(self._take_part)
            finally:
                self._reading, self._reporting.has_read = False, True
        except (SignInNeededError, AccessRefusedError, TryAgainError, TimeoutError) as error:
            return self._failed(error)
        return 0.0 if self._is_of_another else self._good(answers)

    def _take_part(self, answers: Mapping[str, Presence]) -> None:
        """Report early who changed; all else comes with the whole read."""
        is_in = self._source.sign_in.value.state is SignInState.SIGNED_IN
        if self._status.problem or not is_in or self._is_of_another:
            return
        now = self._clock.now()
        if self._facts.take_part(answers, now):
            self._history = self._history._replace(changed_at=now)
            self.report_soon()

    def _good(self, answers: Mapping[str, Presence]) -> float:
        now = self._clock.now()
        if self._status.problem:
            log.info("%s: presence is back", self._source.slug)
            self._turned()
        self._reporting.refused, self._backoff = None, Backoff()
        self._reporting.follow()
        taken = self._facts.take(answers, now)
        log_counted_anew(self._source.slug, taken.counted_anew)
        self._history = History(
            changed_at=now if taken.changed else self._history.changed_at,
            presences=self._facts.presences,
        )
        chosen = fair(self._pace(self._history, now), self._source.calls)
        self._facts.freshness.valid_until = valid_until(now, chosen.delay_s)
        self._status = Status(
            last_poll_ok=now,
            last_poll_attempt=now,
            pace=chosen,
            next_poll=now + timedelta(seconds=chosen.delay_s),
            internal_errors=self._status.internal_errors,
        )
        self._reporting.report_news()
        if taken.changed:
            self.report_soon()  # a status message may end before anything else does
        return chosen.delay_s

    def _failed(self, error: Exception) -> float:
        if isinstance(error, SignInNeededError):
            return self._sign_in_needed(error)
        if isinstance(error, AccessRefusedError):
            return self._access_refused(error)
        if asked := asked_wait(error, fastest_s=self._settings.fastest):
            text = in_words(error, until=self._clock.now() + asked, zone=self._zone)
            return self._problem(text, Pace(asked.total_seconds(), "Microsoft asked us to wait"))
        now_s = self._clock.monotonic()
        self._backoff = self._backoff.failed(now_s, reached=reached(error))
        wait_s = self._backoff.wait_s(now_s, self._settings, random=self._random)
        return self._problem(in_words(error), Pace(wait_s, "Microsoft does not answer"))

    def _sign_in_needed(self, error: SignInNeededError) -> float:
        self._problem(str(error), None)
        if self._source.sign_in.value.state is not SignInState.SIGNED_IN:
            return error.LOOK_AGAIN_S if isinstance(error, SignInUnreadableError) else SIGN_IN_S
        self._backoff = self._backoff.refused()
        return self._backoff.refused_wait_s

    def _access_refused(self, error: AccessRefusedError) -> float:
        self._backoff = self._backoff.refused()
        wait_s = self._backoff.refused_wait_s
        if self._backoff.refusals == 1:
            log.debug("%s: tried again, since it may be a slip: %s", self._source.slug, error)
            return wait_s
        self._reporting.refused = error
        return self._problem(str(error), Pace(wait_s, "access is refused"))

    def _problem(self, text: str, chosen: Pace | None) -> float:
        """Report that there is no presence, and why; the wait that was ``chosen``."""
        now, before = self._clock.now(), self._status
        if not before.problem:
            log.warning("%s: no presence: %s", self._source.slug, text)
        self._status = before._replace(
            problem=text,
            consecutive_failures=0 if self._needs_sign_in else before.consecutive_failures + 1,
            pace=chosen,
            next_poll=now + timedelta(seconds=chosen.delay_s) if chosen else None,
        )
        self._turned()
        self._reporting.report_news()
        return chosen.delay_s if chosen else SIGN_IN_S

    async def _watch_sign_in(self) -> None:
        before = self._source.sign_in.value
        who = before.signed_in_as
        async for sign_in in self._source.sign_in.watch():
            if who and sign_in.signed_in_as not in (None, who):
                self._facts.of_somebody_else()
                self._is_of_another = True
                self.poll_now()
            who = sign_in.signed_in_as or who
            came = before.waits or before.state is not SignInState.SIGNED_IN
            before, is_in = sign_in, sign_in.state is SignInState.SIGNED_IN and not sign_in.waits
            if is_in and came and self._status.problem and not self._reading:
                self.poll_now()  # which reports too: nobody sees "signed in, no presence"
            else:
                self._reporting.report_news()
                self._turned()

    @property
    def _needs_sign_in(self) -> bool:
        return self._reporting.has_read and self._source.sign_in.value.state in NEEDS_SIGN_IN
