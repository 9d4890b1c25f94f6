"""When presence is too old: some polls, and some minutes, after the last good poll that had it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

POLLS_MISSED, STALE_AFTER_S = 3, 300.0
"""Presence is current for so many polls, and so many seconds, after the last good one."""

Times = tuple[datetime | None, datetime | None]
"""When somebody was read last, and until when that is current."""


def valid_until(polled_at: datetime, next_poll_s: float) -> datetime:
    """Until when presence of ``polled_at`` is current, when the next poll follows then."""
    return polled_at + timedelta(seconds=max(POLLS_MISSED * next_poll_s, STALE_AFTER_S))


class Freshness:
    """The times of the last good poll, and those of who was missing in it."""

    def __init__(self) -> None:
        self._polled_at: datetime | None = None
        self.valid_until: datetime | None = None
        """Until when the last good poll is current."""
        self._absent: dict[str, Times] = {}
        """Who is missing keeps the times of the last poll that had them."""
        self._early: dict[str, datetime] = {}
        """Who was read since, in a poll that has not ended well yet: it makes nobody current."""

    def add(self, slug: str) -> None:
        """Somebody new, who was not read yet."""
        self._absent[slug] = (None, None)

    def forget(self, slug: str) -> None:
        """Forget somebody."""
        self._absent.pop(slug, None)
        self._early.pop(slug, None)

    def read_early(self, slugs: Iterable[str], now: datetime) -> None:
        """Take note of who was read in a poll that goes on."""
        self._early |= dict.fromkeys(slugs, now)

    def polled(
        self, present: AbstractSet[str], missing: AbstractSet[str], now: datetime
    ) -> list[str]:
        """Take note of a good poll; who is ``present`` again."""
        back = [slug for slug in self._absent if slug in present]
        for slug in back:
            del self._absent[slug]
        for slug in missing:
            self._absent.setdefault(slug, self.times_of(slug))
        self._polled_at, self._early = now, {}
        return back

    def is_current(self, now: datetime) -> bool:
        """Whether the last good poll still counts."""
        return self.valid_until is not None and now < self.valid_until

    @property
    def missing(self) -> AbstractSet[str]:
        """Who was missing in the last good poll."""
        return self._absent.keys()

    def times_of(self, slug: str) -> Times:
        """When somebody was read last, and until when that is current."""
        common = self._early.get(slug, self._polled_at), self.valid_until
        return self._absent.get(slug) or common

    def ended(self, now: datetime) -> Iterator[str]:
        """Who of the missing is not current any more."""
        for slug, (_, end) in self._absent.items():
            if end is None or now >= end:
                yield slug

    def next_end(self, now: datetime) -> datetime | None:
        """The first moment at which something is not current any more."""
        if self.valid_until is None:
            return None
        return min(
            [self.valid_until, *(end for _, end in self._absent.values() if end and end > now)]
        )

    def follow_the_clock(self, now: datetime) -> timedelta | None:
        """Move the times along with a wall clock that was set back, and say how far.

        Else they would count as current for as long as it was set back.
        """
        if self._polled_at is None or now >= self._polled_at:
            return None
        back = self._polled_at - now
        self._polled_at = now
        self.valid_until = self.valid_until and self.valid_until - back
        self._early = {slug: read_at - back for slug, read_at in self._early.items()}
        self._absent = {
            slug: (polled_at and polled_at - back, end and end - back)
            for slug, (polled_at, end) in self._absent.items()
        }
        return back
