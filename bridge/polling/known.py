"""What is known about the accounts of one source, and what of it was told. Pure: time is given.

Telling costs what changed: the others are told again in turns, a slice at a time, so that their
times stay true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from math import ceil

from bridge.contract.account import SIGNED_OUT, AccountFacts, SignIn, SignInState
from bridge.contract.presence import Presence
from bridge.polling.sequence import is_older

ROUND_S = 60.0
"""Everybody is told at least this often while polls are good."""
SLICE = 50
"""So few are told again each time."""
OLDER_MOST, OLDER_FOR = 10, timedelta(minutes=5)
"""So many older answers in a row, or for so long: Microsoft counts anew, and they are taken."""

EpochAt = Callable[[datetime], int | None]
"""The epoch of facts that are told at a moment; told each moment, it sees the clock set back."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a good poll brought."""

    changed: bool
    """Somebody's presence changed for people."""
    counted_anew: tuple[str, ...] = ()
    """Whose older answers were taken at last."""


class Known:
    """The accounts of one source."""

    def __init__(self, epoch: EpochAt = lambda _: None) -> None:
        self._epoch = epoch
        self.accounts: Mapping[str, str] = {}
        self.presences: tuple[Presence, ...] = ()
        """The newest presences of everybody."""
        self._facts: dict[str, AccountFacts] = {}
        self._told: dict[str, AccountFacts] = {}  # who was told longest ago is first
        self._changed: dict[str, None] = {}
        self._absent: dict[str, tuple[datetime | None, datetime | None]] = {}
        self._polled_at: datetime | None = None
        self._valid_until: datetime | None = None
        self._messages: dict[str, datetime] = {}  # ends of the status messages that have one
        self._older: dict[str, tuple[datetime, int]] = {}  # since when, and how many in a row
        self._shared: tuple[bool, SignIn, int | None] = (False, SIGNED_OUT, None)
        self._round_at: datetime | None = None

    def follow(self, accounts: Mapping[str, str]) -> bool:
        """Know exactly ``accounts`` (slugs and names); whether that is news."""
        if accounts is self.accounts:
            return False
        for slug in self._facts.keys() - accounts.keys():
            for table in (self._facts, self._told, self._changed, self._absent, self._older):
                table.pop(slug, None)
            self._messages.pop(slug, None)
        for slug, name in accounts.items():
            known = self._facts.get(slug)
            if known is None:
                self._facts[slug] = AccountFacts(slug, name)
                self._absent[slug] = (None, None)
                self._changed[slug] = None
            elif known.name != name:
                self._facts[slug] = replace(known, name=name)
        self.accounts = accounts
        self.presences = tuple(f.presence for f in self._facts.values() if f.presence)
        return True

    def poll(self, presences: Mapping[str, Presence], now: datetime) -> Taken:
        """Take the answer of a good poll; who got an older answer than before counts as missing."""
        self._follow_the_clock(now)
        older, anew = self._older_ones(presences, now)
        self._note_absent(presences.keys() - older if older else presences.keys())
        self._polled_at = now
        put, changed = False, False
        for slug, presence in presences.items():
            facts = self._facts.get(slug)
            told = presence.at(now)
            if facts is None or slug in older or told is facts.presence or told == facts.presence:
                continue
            visible = _shown(told) != _shown(facts.presence)
            self._put(facts, told, now if visible else facts.changed_at)
            put, changed = True, changed or visible
        if put:
            self.presences = tuple(f.presence for f in self._facts.values() if f.presence)
        return Taken(changed, tuple(anew))

    def hold_until(self, moment: datetime) -> None:
        """What was polled last is current until ``moment``."""
        self._valid_until = moment

    def is_current(self, now: datetime) -> bool:
        """Whether the last good poll still counts."""
        return self._valid_until is not None and now < self._valid_until

    def tell(self, now: datetime, sign_in: SignIn) -> Iterator[AccountFacts]:
        """The facts that are news: of who changed and of a slice of the others, or of everybody.

        Everybody is due when freshness, sign-in or epoch is news for all.
        """
        self._follow_the_clock(now)
        self._end_messages(now)
        signed_in = sign_in.state is SignInState.SIGNED_IN
        shared = (signed_in and self.is_current(now), sign_in, self._epoch(now))
        due: list[str]
        if shared != self._shared:
            self._shared, due = shared, list(self._facts)
        else:
            ended = [slug for slug in self._absent if self._has_ended(slug, now)]
            due = [*self._changed, *ended, *islice(self._told, self._slice(now))]
        self._changed, self._round_at = {}, now
        for slug in dict.fromkeys(due):
            facts = self._current(slug, now, signed_in=signed_in)
            is_news = facts != self._told.pop(slug, None)
            self._facts[slug] = self._told[slug] = facts
            if is_news:
                yield facts

    def ends_at(self, now: datetime) -> datetime | None:
        """The first moment at which facts are no longer fresh, or a message is over."""
        ends = list(self._messages.values())
        if self._shared[0] and self._valid_until is not None:
            ends += [self._valid_until, *(e for _, e in self._absent.values() if e and e > now)]
        return min(ends, default=None)

    def _end_messages(self, now: datetime) -> None:
        """Show no status message any more whose end has come, read again or not."""
        for slug in [slug for slug, end in self._messages.items() if end <= now]:
            facts = self._facts[slug]
            if facts.presence:
                self._put(facts, facts.presence.at(now), now)

    def _older_ones(
        self, presences: Mapping[str, Presence], now: datetime
    ) -> tuple[set[str], list[str]]:
        """Whose answer is older than what is known, and for whom that has gone on for too long."""
        older: set[str] = set()
        anew: list[str] = []
        for slug, presence in presences.items():
            facts = self._facts.get(slug)
            since, count = self._older.pop(slug, (now, 0))
            if facts is None or presence is facts.presence:
                continue
            if is_older(presence, facts.presence):
                if count + 1 >= OLDER_MOST or now - since >= OLDER_FOR:
                    anew.append(slug)
                else:
                    older.add(slug)
                    self._older[slug] = since, count + 1
        return older, anew

    def _note_absent(self, present: AbstractSet[str]) -> None:
        """Who is missing keeps the times of the last poll that had them."""
        for slug in [slug for slug in self._absent if slug in present]:
            del self._absent[slug]
            self._changed[slug] = None
        if len(present) < len(self._facts):
            times = self._polled_at, self._valid_until
            for slug in self._facts.keys() - present:
                self._absent.setdefault(slug, times)

    def _follow_the_clock(self, now: datetime) -> None:
        """Move the times of past polls along with a wall clock that was set back.

        Else they would count as current for as long as it was set back.
        """
        if self._polled_at is None or now >= self._polled_at:
            return
        back = self._polled_at - now
        self._polled_at = now
        self._valid_until = self._valid_until and self._valid_until - back
        for slug, (polled_at, valid_until) in self._absent.items():
            self._absent[slug] = polled_at and polled_at - back, valid_until and valid_until - back
        self._older = {slug: (since - back, n) for slug, (since, n) in self._older.items()}
        self._changed |= dict.fromkeys(self._facts)

    def _put(self, facts: AccountFacts, presence: Presence, changed_at: datetime | None) -> None:
        self._facts[facts.account] = AccountFacts(
            facts.account, facts.name, presence=presence, changed_at=changed_at
        )
        self._changed[facts.account] = None
        if presence.status_message_until:
            self._messages[facts.account] = presence.status_message_until
        else:
            self._messages.pop(facts.account, None)

    def _current(self, slug: str, now: datetime, *, signed_in: bool) -> AccountFacts:
        facts = self._facts[slug]
        polled_at, valid_until = self._absent.get(slug) or (self._polled_at, self._valid_until)
        return AccountFacts(
            slug,
            facts.name,
            presence=facts.presence,
            changed_at=facts.changed_at,
            polled_at=polled_at,
            valid_until=valid_until,
            fresh=signed_in and valid_until is not None and now < valid_until,
            sign_in=self._shared[1],
            epoch=self._shared[2],
        )

    def _has_ended(self, slug: str, now: datetime) -> bool:
        told, end = self._told.get(slug), self._absent[slug][1]
        return told is not None and told.fresh and (end is None or now >= end)

    def _slice(self, now: datetime) -> int:
        """How many are told again: with each taking turns, everybody within a round."""
        passed_s = (now - self._round_at).total_seconds() if self._round_at else 0.0
        return max(SLICE, ceil(len(self._told) * passed_s / ROUND_S))


def _shown(presence: Presence | None) -> object:
    if presence is None:
        return None
    return (
        presence.availability,
        presence.activity,
        presence.raw_availability,
        presence.raw_activity,
        presence.out_of_office,
        presence.status_message,
        presence.work_location,
        presence.work_location_source,
    )
