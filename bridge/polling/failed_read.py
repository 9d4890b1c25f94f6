"""When a read has failed, what that says to people, and how long to wait before the next one.

What never reached Microsoft costs it nothing, so that presence is back soon after the network is.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from bridge.config.tables.config import PollingSettings
from bridge.contract.errors import SourceUnavailableError, TryAgainError
from bridge.contract.retry import RETRY_AFTER_MOST_S, Random, doubled_s, full_jitter

DEADLINE_S, DEADLINE_EACH_S = 30.0, 0.001
"""A read may take so long, and so much more for each account."""
UNKNOWN_S = 300.0
"""Of a group that is read for the first time: its members come first, page by page."""
FIRST_S = 2.0
PATIENT_AFTER_S, PATIENT_MOST_S = 600.0, 300.0
"""A Microsoft that fails for longer than the first is asked less and less often."""
DOUBT_S = 5.0
"""One single refusal may be a slip: the second one counts."""
REFUSED_FIRST_S, REFUSED_MOST_S = 30.0, 300.0
"""A person must change something."""


class Backoff(NamedTuple):
    """The reads that failed since the last good one."""

    failures: int = 0
    reached_since_s: float | None = None
    """Since this moment Microsoft was reached each time, and failed; by the monotonic clock."""
    refusals: int = 0
    """How often access was refused."""

    def failed(self, now_s: float, *, reached: bool) -> Backoff:
        """After one more read that failed; ``reached``: at Microsoft, not before it."""
        since_s = self.reached_since_s if self.reached_since_s is not None else now_s
        return Backoff(self.failures + 1, since_s if reached else None, self.refusals)

    def refused(self) -> Backoff:
        """After one more read that was not allowed."""
        return Backoff(self.failures + 1, self.reached_since_s, self.refusals + 1)

    def wait_s(self, now_s: float, settings: PollingSettings, *, random: Random) -> float:
        """Seconds until the next try: quick ones first, then ``slowest`` at most, with jitter.

        Only a Microsoft that is reached and goes on failing is given more time.
        """
        most_s = settings.slowest
        if self.reached_since_s is not None:
            share = (now_s - self.reached_since_s) / PATIENT_AFTER_S
            most_s = max(most_s, min(PATIENT_MOST_S, most_s * share))
        jitter_s = full_jitter(self.failures - 1, first_s=FIRST_S, most_s=most_s, random=random)
        return max(settings.fastest, jitter_s)

    @property
    def refused_wait_s(self) -> float:
        """Seconds until it is tried whether access is given now; few after the first refusal."""
        if self.refusals <= 1:
            return DOUBT_S
        return doubled_s(self.refusals - 2, first_s=REFUSED_FIRST_S, most_s=REFUSED_MOST_S)


def deadline_s(accounts: int) -> float:
    """How long a read of so many accounts may take."""
    return DEADLINE_S + accounts * DEADLINE_EACH_S if accounts else UNKNOWN_S


def asked_wait(error: Exception, *, fastest_s: float) -> timedelta | None:
    """How long Microsoft asked us to wait, where it did: within our own bounds."""
    asked_s = error.retry_after_s if isinstance(error, TryAgainError) else None
    if asked_s is None:
        return None
    return timedelta(seconds=min(RETRY_AFTER_MOST_S, max(asked_s, fastest_s)))


def reached(error: Exception) -> bool:
    """Whether Microsoft answered at all."""
    if isinstance(error, SourceUnavailableError):
        return error.reached
    return not isinstance(error, TimeoutError)


def in_words(error: Exception, *, until: datetime | None = None, zone: tzinfo | None = None) -> str:
    """What is wrong, and ``until`` when, by the clock of ``zone``."""
    what = str(error) or "Microsoft did not answer in time"
    return f"{what}, until {until.astimezone(zone):%H:%M:%S}" if until else what
