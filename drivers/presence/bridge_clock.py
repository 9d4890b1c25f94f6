"""What time it is on the bridge's clock, by its own stamps alone.

The clock here may be wrong, or right where the bridge's is not: the newest stamp that was heard
runs on by monotonic time. It is late by no more than the time from a poll to its message.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bridge.contract.clock import Clock, apart_words
from bridge.contract.wire import AccountState, TableFresh

log = logging.getLogger(__name__)

APART = timedelta(seconds=150)
"""So far apart two clocks are told of: a stamp may be as old as the bridge's beat of 120 s."""
_NONE = timedelta()
Stamped = AccountState | TableFresh
"""What carries ``polled_at`` and ``epoch``."""


def is_older(news: Stamped, known: Stamped | None, *, stored: bool, now: datetime) -> bool:
    """Whether ``news`` is older than ``known``, which still holds ``now`` by the bridge's clock.

    The order is the bridge's epoch, then ``polled_at``: its clock may step back, with a new epoch.
    Without an epoch only what the broker had ``stored`` can be told to be old.
    """
    if known is None or known.valid_until is None or now >= known.valid_until:
        return False
    same_line = news.epoch is not None and news.epoch == known.epoch
    if news.epoch is not None and known.epoch is not None and not same_line:
        return news.epoch < known.epoch
    if news.polled_at is None or known.polled_at is None:
        return stored and known.polled_at is not None
    return news.polled_at < known.polled_at and (same_line or stored)


class BridgeClock:
    """The bridge's clock as far as it was heard; ours before that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch: int | None = None
        self._heard: tuple[datetime, float] | None = None
        """The newest stamp, and the monotonic time at which it came."""
        self.apart = _NONE
        """How far it is ahead of ours, where that is worth telling."""

    def now(self) -> datetime:
        """The time there."""
        if self._heard is None:
            return self._clock.now()
        stamp, at_s = self._heard
        return stamp + timedelta(seconds=self._clock.monotonic() - at_s)

    def receive(self, news: Stamped, known: Stamped | None, *, stored: bool) -> None:
        """Take the stamp of ``news``, which is not older than what was ``known`` before."""
        stamp, before = news.polled_at, known.polled_at if known else None
        if stamp is None:
            return
        was_set_back = before is not None and stamp < before and not stored
        if news.epoch is not None and (self._epoch is None or news.epoch > self._epoch):
            self._epoch, was_set_back = news.epoch, True
        elif news.epoch != self._epoch:
            return
        if was_set_back or self._heard is None or stamp > self.now():
            self._heard = stamp, self._clock.monotonic()
        if not stored and stamp != before:
            self._compare()

    def _compare(self) -> None:
        """Tell once that the clocks are apart, and once that they agree again."""
        ahead = self.now() - self._clock.now()
        was_apart = self.apart
        if abs(ahead) < APART:
            self.apart = _NONE
        elif abs(ahead - was_apart) >= APART:
            self.apart = ahead
        if self.apart and not was_apart:
            log.warning(
                "the clock here is %s the bridge's: set the one that is wrong; presence is shown "
                "as the bridge means it, a schedule goes by the clock here",
                apart_words(-ahead.total_seconds()),
            )
        elif was_apart and not self.apart:
            log.info("the clock here agrees with the bridge's again")
