"""Reads one source at the cadence's pace and reports what follows. Never sends a request itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta, tzinfo
from random import random as _random

from bridge.config.models import PollingSettings
from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    AccessRefusedError,
    SignInNeededError,
    SignInUnreadableError,
    SourceUnavailableError,
    TryAgainError,
)
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Presence
from bridge.contract.supervised import supervised
from bridge.polling import setback
from bridge.polling.cadence import History, Pace, pace
from bridge.polling.known import EpochAt, Known
from bridge.polling.setback import Setback
from bridge.polling.source import Source
from bridge.polling.status import INTERNAL_ERROR, REPORT, Status, is_news, with_internal_error
from bridge.polling.waiting import JUMP_S, SOON_S, first_of, rest
from bridge.retry import RETRY_AFTER_MOST_S, Random

log = logging.getLogger(__name__)

READ_DEADLINE_S = 30.0
READ_DEADLINE_EACH_S = 0.001
"""And so much more for each account."""
CALL_SHARE_S = 0.04
"""At least so long a pause for each request of a read: half of the budget at the most."""
SIGN_IN_S = 300.0
"""Between two looks for a sign-in that nobody told of; one that is told of wakes us."""
ERROR_SHOWN_S = 3600.0
"""An internal error is shown for so long, also when all is well again."""
POLLS_MISSED, STALE_AFTER_S = 3, 300.0
"""Presence is current for so many polls, and so many seconds, after the last good one."""


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
        epoch: EpochAt = lambda _: None,
    ) -> None:
        self._source, self._settings, self._report = source, settings, report
        self._clock, self._hours, self._zone, self._random = clock, hours, zone, random
        self._announce = announce
        self._known = Known(epoch)
        self._known.follow(source.accounts)
        self._history = History()
        self._status = Status()
        self._setback = Setback()
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        self._reading, self._has_read = False, False
        self._refused: SignIn | None = None
        self._broke_s: float | None = None

    @property
    def status(self) -> Status:
        """How the source fares now."""
        return replace(self._status, throttled_until=self._source.throttled_until)

    def poll_now(self) -> None:
        """Read at once instead of at the next turn."""
        self._wake.set()

    def report_soon(self) -> None:
        """Report what is news, also where nothing is read."""
        self._news.set()

    def broke(self, error: Exception) -> None:
        """Show that work for this source ended with an ``error`` that nobody foresaw."""
        log.debug("%s: %r", self._source.slug, error)
        self._broke_s = self._clock.monotonic()
        self._status = replace(
            self._status,
            problem=f"{INTERNAL_ERROR} {REPORT}",
            internal_errors=self._status.internal_errors + 1,
        )
        self.report_soon()

    async def run(self) -> None:
        """Poll until cancelled; each of its tasks is started again after an unforeseen error."""
        works = {"poll": self._keep_reading, "watch": self._watch_sign_in, "tell": self._keep_true}
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

    async def _keep_reading(self) -> None:
        while True:
            self._wake.clear()
            wait_s = await self._poll()
            await rest(wait_s, self._wake, self._clock)

    async def _poll(self) -> float:
        """Read once; return the seconds until the next turn."""
        self._status = replace(self._status, last_poll_attempt=self._clock.now())
        try:
            presences = await self._read()
        except SignInNeededError as error:
            return self._sign_in_needed(error)
        except AccessRefusedError as error:
            return self._access_refused(error)
        except (TryAgainError, TimeoutError) as error:
            return self._failed(error)
        return self._good(presences)

    async def _read(self) -> Mapping[str, Presence]:
        self._reading = True
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._source.read()
        finally:
            self._reading, self._has_read = False, True

    def _good(self, presences: Mapping[str, Presence]) -> float:
        now = self._clock.now()
        if self._status.problem:
            log.info("%s: presence is back", self._source.slug)
        self._refused, self._setback = None, Setback()
        self._follow()
        taken = self._known.poll(presences, now)
        if taken.counted_anew:
            log.info(
                "%s: Microsoft counts its answers anew; those of %s are taken as new",
                self._source.slug,
                _some(taken.counted_anew),
            )
        self._history = History(
            changed_at=now if taken.changed else self._history.changed_at,
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
            internal_errors=self._status.internal_errors,
        )
        self._tell()
        if taken.changed:
            self._news.set()  # a status message may end before anything else does
        return chosen.delay_s

    def _failed(self, error: Exception) -> float:
        text = str(error) or "Microsoft did not answer in time"
        asked = error.retry_after_s if isinstance(error, TryAgainError) else None
        if asked is not None:
            asked = min(RETRY_AFTER_MOST_S, max(asked, self._settings.fastest))
            until = (self._clock.now() + timedelta(seconds=asked)).astimezone(self._zone)
            chosen = Pace(asked, "Microsoft asked us to wait")
            return self._problem(f"{text}, until {until:%H:%M:%S}", chosen)
        unreached = isinstance(error, TimeoutError) or (
            isinstance(error, SourceUnavailableError) and not error.reached
        )
        now_s = self._clock.monotonic()
        self._setback = setback.failed(self._setback, now_s, reached=not unreached)
        wait_s = setback.wait_s(self._setback, now_s, self._settings, random=self._random)
        return self._problem(text, Pace(wait_s, "Microsoft does not answer"))

    def _sign_in_needed(self, error: SignInNeededError) -> float:
        self._problem(str(error), None)
        if self._source.sign_in.value.state is not SignInState.SIGNED_IN:
            is_unread = isinstance(error, SignInUnreadableError)
            return SignInUnreadableError.LOOK_AGAIN_S if is_unread else SIGN_IN_S
        self._setback = setback.refused(self._setback)
        return setback.refused_wait_s(self._setback)

    def _access_refused(self, error: AccessRefusedError) -> float:
        self._setback = setback.refused(self._setback)
        wait_s = setback.refused_wait_s(self._setback)
        if self._setback.refusals == 1:
            log.debug("%s: tried again, since it may be a slip: %s", self._source.slug, error)
            return wait_s
        self._refused = SignIn(
            SignInState.ERROR,
            message=str(error).removesuffix(error.remedy).strip(),
            remedy=error.remedy,
            who="your admin",
        )
        return self._problem(str(error), Pace(wait_s, "access is refused"))

    def _problem(self, text: str, chosen: Pace | None) -> float:
        """Tell that there is no presence, and why; the wait that was ``chosen``."""
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
        return chosen.delay_s if chosen else SIGN_IN_S

    async def _keep_true(self) -> None:
        """Tell what is news, and when facts are no longer true, also while a read hangs."""
        while True:
            await first_of(self._news, self._seconds_true(), self._clock)
            self._news.clear()
            self._tell()

    def _seconds_true(self) -> float:
        now = self._clock.now()
        until = self._known.ends_at(now)
        return max(SOON_S, (until - now).total_seconds()) if until else JUMP_S

    async def _watch_sign_in(self) -> None:
        before = self._source.sign_in.value
        async for sign_in in self._source.sign_in.watch():
            came = before.waits or before.state is not SignInState.SIGNED_IN
            before, is_in = sign_in, sign_in.state is SignInState.SIGNED_IN and not sign_in.waits
            if is_in and came and self._status.problem and not self._reading:
                self.poll_now()  # which also tells, so that nobody sees "signed in, no presence"
            else:
                self._tell()

    def _tell(self) -> None:
        self._follow()
        now, sign_in = self._clock.now(), self._source.sign_in.value
        if self._refused and sign_in.state is SignInState.SIGNED_IN:
            sign_in = replace(
                self._refused,  # with the code that waits, if any: it may mend it
                user_code=sign_in.user_code,
                verification_uri=sign_in.verification_uri,
                expires_at=sign_in.expires_at,
            )
        since_s = self._clock.monotonic() - self._broke_s if self._broke_s is not None else None
        if since_s is not None and since_s < ERROR_SHOWN_S:
            sign_in = with_internal_error(sign_in, current=self._known.is_current(now))
        if self._has_read or is_news(sign_in):  # else what was told before a restart stands
            self._report_all(self._known.tell(now, sign_in))

    def _report_all(self, news: Iterable[AccountFacts]) -> None:
        """Report each, also when one of them cannot be; then raise its error."""
        failed: Exception | None = None
        for facts in news:
            try:
                self._report(facts)
            except Exception as error:  # noqa: BLE001 - one person's bug is one person's
                failed = error
        if failed:
            raise failed

    def _follow(self) -> None:
        if self._known.follow(self._source.accounts):
            self._announce()

    @property
    def _deadline_s(self) -> float:
        return READ_DEADLINE_S + len(self._source.accounts) * READ_DEADLINE_EACH_S


def _some(slugs: tuple[str, ...]) -> str:
    return slugs[0] if len(slugs) == 1 else f"{slugs[0]} and {len(slugs) - 1} more"
