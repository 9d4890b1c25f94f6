"""The facts about the accounts of one source: what was read, and what of it is news.

Reporting costs what changed: the others are reported again in turns, a slice at a time, so that
their times stay true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from itertools import islice
from math import ceil
from typing import NamedTuple

from bridge.contract.account import SIGNED_OUT, AccountFacts, SignIn, SignInState
from bridge.contract.garbage_collection import uncollected
from bridge.contract.presence import Presence
from bridge.polling.changes import is_seen, since_when
from bridge.polling.freshness import Freshness
from bridge.polling.read_order import ReadOrder, older_in

ROUND_S = 60.0
"""Everybody is reported at least this often while polls are good."""
SLICE = 50
"""So few are reported again each time."""

EpochAt = Callable[[datetime], int | None]
"""The epoch of facts at a moment; called for each moment, it sees the clock set back."""


class Taken(NamedTuple):
    """What a good poll brought."""

    changed: bool
    """Somebody's presence changed for people."""
    counted_anew: tuple[str, ...] = ()
    """Whose older answers were taken at last."""


class Facts:
    """The accounts of one source."""

    def __init__(self, epoch: EpochAt = lambda _: None) -> None:
        self._epoch = epoch
        self.accounts: Mapping[str, str] = {}
        self.freshness = Freshness()
        self._order = ReadOrder()
        self._facts: dict[str, AccountFacts] = {}
        self._presences: tuple[Presence, ...] | None = None
        self._reported: dict[str, AccountFacts] = {}  # who was reported longest ago is first
        self._changed: dict[str, None] = {}
        self._messages: dict[str, datetime] = {}  # ends of the status messages that have one
        self._shared: tuple[bool, SignIn, int | None] = (False, SIGNED_OUT, None)
        self._round_at: datetime | None = None
        self._polled = False
        self._says = True

    @property
    def presences(self) -> tuple[Presence, ...]:
        """The newest presences: of each pair of words one."""
        if self._presences is None:
            presences = (facts.presence for facts in self._facts.values())
            by_words = {(p.availability, p.activity): p for p in presences if p}
            self._presences = tuple(by_words.values())
        return self._presences

    def follow(self, accounts: Mapping[str, str]) -> bool:
        """Have exactly ``accounts`` (slugs and names); whether that is news."""
        if accounts is self.accounts:
            return False
        for slug in self._facts.keys() - accounts.keys():
            for table in (self._facts, self._reported, self._changed, self._messages):
                table.pop(slug, None)
            self.freshness.forget(slug)
            self._order.forget(slug)
        for slug, name in accounts.items():
            before = self._facts.get(slug)
            if before is None:
                self._facts[slug] = AccountFacts(slug, name)
                self.freshness.add(slug)
                self._changed[slug] = None
            elif before.name != name:
                self._facts[slug] = replace(before, name=name)
        self.accounts, self._presences = accounts, None
        return True

    def show_messages(self, *, shown: bool) -> None:
        """Have what people wrote from the next poll on, or no more from now on."""
        if shown == self._says:
            return
        self._says = shown
        for facts in self._facts.values():
            if not shown and facts.presence:
                self._put(facts, facts.presence.without_messages(), facts.changed_at, facts.since)

    def of_somebody_else(self) -> None:
        """Somebody else is signed in: the numbers of their answers are a line of its own."""
        for slug, facts in self._facts.items():
            self._order.forget(slug)
            if facts.presence:
                unnumbered = replace(facts.presence, sequence_number=None)
                self._facts[slug] = replace(facts, presence=unnumbered)
        self._presences = None

    @uncollected()
    def take(self, answers: Mapping[str, Presence], now: datetime) -> Taken:
        """Take the answers of a good poll; an older answer than before counts as a missing one."""
        self._follow_the_clock(now)
        self._polled = True
        was_current = self.freshness.is_current(now)
        older, anew = self._order.check(answers, self._facts, now)
        present = answers.keys() - older if older else answers.keys()
        missing = self._facts.keys() - present if len(present) < len(self._facts) else set[str]()
        self._changed |= dict.fromkeys(self.freshness.polled(present, missing, now))
        _, changed = self._take_each(answers, now, but=older, was_current=was_current)
        return Taken(changed, anew)

    @uncollected()
    def take_part(self, answers: Mapping[str, Presence], now: datetime) -> bool:
        """Take who changed in a part of a poll that goes on; whether anybody did for people.

        Who is current, who is missing and whose older answers count only the whole poll says.
        """
        self._follow_the_clock(now)
        if not self.freshness.is_current(now):
            return False
        later = (answers.keys() & self.freshness.missing).union(older_in(answers, self._facts))
        early, changed = self._take_each(answers, now, but=later, was_current=True)
        self.freshness.read_early(early, now)
        return changed

    def news(self, now: datetime, sign_in: SignIn) -> Iterator[AccountFacts]:
        """The facts that are news: of who changed and of a slice of the others, or of everybody.

        Everybody is due when freshness, sign-in or epoch is news for all.
        """
        self._follow_the_clock(now)
        self._end_messages(now)
        signed_in, epoch = sign_in.state is SignInState.SIGNED_IN, self._epoch(now)
        shared = (signed_in and self.freshness.is_current(now), sign_in, epoch)
        due: list[str]
        if shared != self._shared:
            self._shared, self._round_at, due = shared, now, list(self._facts)
        else:
            ended = [
                slug
                for slug in self.freshness.ended(now)
                if (reported := self._reported.get(slug)) and reported.fresh
            ]
            due = [*self._changed, *ended, *islice(self._reported, self._slice(now))]
        self._changed, self._polled = {}, False
        for slug in dict.fromkeys(due):
            before = self._facts[slug]
            polled_at, valid_until = self.freshness.times_of(slug)
            facts = AccountFacts(
                slug,
                before.name,
                presence=before.presence,
                changed_at=before.changed_at,
                since=before.since,
                polled_at=polled_at,
                valid_until=valid_until,
                fresh=signed_in and valid_until is not None and now < valid_until,
                sign_in=sign_in,
                epoch=epoch,
            )
            is_news = facts != self._reported.pop(slug, None)
            self._facts[slug] = self._reported[slug] = facts
            if is_news:
                yield facts

    def next_end(self, now: datetime) -> datetime | None:
        """The first moment at which facts are no longer fresh, or a message is over."""
        ends = list(self._messages.values())
        if self._shared[0] and (end := self.freshness.next_end(now)):
            ends.append(end)
        return min(ends, default=None)

    def _take_each(
        self,
        answers: Mapping[str, Presence],
        now: datetime,
        *,
        but: AbstractSet[str],
        was_current: bool,
    ) -> tuple[list[str], bool]:
        """Whose presence is another, and whether people see that of anybody."""
        others: list[str] = []
        changed = False
        for slug, answer in answers.items():
            facts = self._facts.get(slug)
            if facts is None or slug in but:
                continue
            presence = answer.at(now) if self._says else answer.without_messages()
            if presence is facts.presence or presence == facts.presence:
                if facts.since and not was_current:  # it may have been another meanwhile
                    self._facts[slug] = replace(facts, since=None)
                continue
            visible = is_seen(facts.presence, presence)
            since = since_when(facts, presence, now) if was_current else None
            self._put(facts, presence, now if visible else facts.changed_at, since)
            others.append(slug)
            changed = changed or visible
        return others, changed

    def _end_messages(self, now: datetime) -> None:
        """Show no status message any more whose end has come, read again or not."""
        for slug in [slug for slug, end in self._messages.items() if end <= now]:
            facts = self._facts[slug]
            if facts.presence:
                self._put(facts, facts.presence.at(now), now, facts.since)

    def _follow_the_clock(self, now: datetime) -> None:
        if back := self.freshness.follow_the_clock(now):
            self._order.clock_set_back(back)
            self._changed |= dict.fromkeys(self._facts)

    def _put(
        self,
        facts: AccountFacts,
        presence: Presence,
        changed_at: datetime | None,
        since: datetime | None,
    ) -> None:
        slug, self._presences = facts.account, None
        self._facts[slug] = AccountFacts(
            slug, facts.name, presence=presence, changed_at=changed_at, since=since
        )
        self._changed[slug] = None
        if presence.status_message_until:
            self._messages[slug] = presence.status_message_until
        else:
            self._messages.pop(slug, None)

    def _slice(self, now: datetime) -> int:
        """How many are reported again: with each taking turns, everybody within a round.

        Nobody where no poll has moved their times since.
        """
        if not self._polled:
            return 0
        passed_s = (now - self._round_at).total_seconds() if self._round_at else 0.0
        self._round_at = now
        return max(SLICE, ceil(len(self._reported) * passed_s / ROUND_S))
