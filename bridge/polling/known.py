"""What is known about the accounts of one source, and what of it was told. Pure: time is given.

Telling costs what changed: the others are told again in turns, a slice at a time, so that their
times stay true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from math import ceil

from bridge.contract.account import SIGNED_OUT, AccountFacts, SignIn, SignInState
from bridge.contract.presence import Presence

ROUND_S = 60.0
"""Everybody is told at least this often while polls are good."""
SLICE = 50
"""So few are told again each time."""


class Known:
    """The accounts of one source."""

    def __init__(self) -> None:
        self.accounts: Mapping[str, str] = {}
        self.presences: tuple[Presence, ...] = ()
        """The newest presences of everybody."""
        self._facts: dict[str, AccountFacts] = {}
        self._told: dict[str, AccountFacts] = {}  # who was told longest ago is first
        self._changed: dict[str, None] = {}
        self._absent: dict[str, tuple[datetime | None, datetime | None]] = {}
        self._polled_at: datetime | None = None
        self._valid_until: datetime | None = None
        self._shared: tuple[bool, SignIn] = (False, SIGNED_OUT)
        self._round_at: datetime | None = None

    def follow(self, accounts: Mapping[str, str]) -> bool:
        """Know exactly ``accounts`` (slugs and names); whether that is news."""
        if accounts is self.accounts:
            return False
        for slug in self._facts.keys() - accounts.keys():
            for table in (self._facts, self._told, self._changed, self._absent):
                table.pop(slug, None)
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

    def poll(self, presences: Mapping[str, Presence], now: datetime) -> bool:
        """Take the answer of a good poll; whether anybody's presence changed for people."""
        self._follow_the_clock(now)
        self._note_absent(presences)
        before, self._polled_at = (self._polled_at, self._valid_until), now
        anew, changed = False, False
        for slug, presence in presences.items():
            facts = self._facts.get(slug)
            if facts is None or presence is facts.presence:
                continue
            if _is_older(presence, facts.presence):
                self._absent.setdefault(slug, before)
                continue
            visible = _shown(presence) != _shown(facts.presence)
            self._put(facts, presence, now if visible else facts.changed_at)
            anew, changed = True, changed or visible
        if anew:
            self.presences = tuple(f.presence for f in self._facts.values() if f.presence)
        return changed

    def hold_until(self, moment: datetime) -> None:
        """What was polled last is current until ``moment``."""
        self._valid_until = moment

    def tell(self, now: datetime, sign_in: SignIn) -> Iterator[AccountFacts]:
        """The facts that are news: of who changed and of a slice of the others, or of everybody.

        Everybody is due when freshness or sign-in is news for all.
        """
        self._follow_the_clock(now)
        signed_in = sign_in.state is SignInState.SIGNED_IN
        fresh = signed_in and self._valid_until is not None and now < self._valid_until
        due: list[str]
        if (fresh, sign_in) != self._shared:
            self._shared, due = (fresh, sign_in), list(self._facts)
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

    def fresh_until(self, now: datetime) -> datetime | None:
        """The first moment from ``now`` on at which anybody's facts are no longer fresh."""
        if not self._shared[0] or self._valid_until is None:
            return None
        ends = [end for _, end in self._absent.values() if end and end > now]
        return min([self._valid_until, *ends])

    def _note_absent(self, presences: Mapping[str, Presence]) -> None:
        """Who is missing keeps the times of the last poll that had them."""
        for slug in [slug for slug in self._absent if slug in presences]:
            del self._absent[slug]
            self._changed[slug] = None
        if len(presences) < len(self._facts):
            times = self._polled_at, self._valid_until
            for slug in self._facts.keys() - presences.keys():
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
        self._changed |= dict.fromkeys(self._facts)

    def _put(self, facts: AccountFacts, presence: Presence, changed_at: datetime | None) -> None:
        self._facts[facts.account] = AccountFacts(
            facts.account, facts.name, presence=presence, changed_at=changed_at
        )
        self._changed[facts.account] = None

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
        )

    def _has_ended(self, slug: str, now: datetime) -> bool:
        told, end = self._told.get(slug), self._absent[slug][1]
        return told is not None and told.fresh and (end is None or now >= end)

    def _slice(self, now: datetime) -> int:
        """How many are told again: with each taking turns, everybody within a round."""
        passed_s = (now - self._round_at).total_seconds() if self._round_at else 0.0
        return max(SLICE, ceil(len(self._told) * passed_s / ROUND_S))


def _is_older(candidate: Presence, than: Presence | None) -> bool:
    stamp = candidate.sequence_number
    known = than.sequence_number if than else None
    return stamp is not None and known is not None and stamp < known


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
    )
