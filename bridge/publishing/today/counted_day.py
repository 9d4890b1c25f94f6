"""How the time in calls and meetings of a day is counted. Pure.

Amounts go by a clock that nobody sets; which day it is goes by the wall clock of a time zone. A
presence counts only as long as it is current: time that nobody saw is no call, and is counted as
unseen.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from enum import Enum, auto
from typing import NamedTuple

from bridge.contract.account import AccountFacts
from bridge.contract.hours import moment_of

JUMP_S = 30.0
"""The wall clock went on so much further than the other: the machine slept."""


class Doing(Enum):
    """What a person does, for this count."""

    CALL = auto()
    MEETING = auto()
    NEITHER = auto()
    UNSEEN = auto()


class Moment(NamedTuple):
    """A moment by both clocks."""

    wall: datetime
    monotonic_s: float


class Day(NamedTuple):
    """What was counted on ``date``."""

    date: date
    since: datetime
    """Counted from then on."""
    calls_s: float = 0.0
    meetings_s: float = 0.0
    unseen_s: float = 0.0
    """Nobody could see what the person did."""


class Count(NamedTuple):
    """A day that goes on, counted up to ``at``."""

    day: Day
    at: Moment
    doing: Doing = Doing.UNSEEN
    until_s: float = 0.0
    """Monotonic time up to which ``doing`` is current."""

    @property
    def runs(self) -> bool:
        """Whether time in a call or a meeting is being counted."""
        return self.doing in (Doing.CALL, Doing.MEETING)


def begun(now: Moment, zone: tzinfo | None, stored: tuple[Day, datetime] | None = None) -> Count:
    """A count from ``now`` on; it goes on with ``stored``, counted up to a moment, if still today.

    What was between the two is unseen.
    """
    today = local_date(now.wall, zone)
    if stored is None or stored[0].date != today:
        return Count(Day(today, now.wall), now)
    day, counted_until = stored
    away_s = max(0.0, (now.wall - counted_until).total_seconds())
    return Count(day._replace(unseen_s=day.unseen_s + away_s), now)


def moved_on(count: Count, now: Moment, zone: tzinfo | None) -> Count:
    """``count`` with the time up to ``now``; after midnight only what came after it."""
    passed_s = max(0.0, now.monotonic_s - count.at.monotonic_s)
    seen_s = 0.0
    if count.doing is not Doing.UNSEEN:
        seen_s = min(passed_s, max(0.0, count.until_s - count.at.monotonic_s))
    ahead_s = (now.wall - count.at.wall).total_seconds() - passed_s
    unseen_s = passed_s - seen_s + (ahead_s if ahead_s > JUMP_S else 0.0)
    day, today = count.day, local_date(now.wall, zone)
    if day.date == today and count.doing is Doing.NEITHER and not unseen_s:
        return Count(day, now, count.doing, count.until_s)  # as nearly always
    if day.date != today:
        midnight = midnight_of(today, zone)
        new_s = (now.wall - midnight).total_seconds()
        is_next = day.date < today and new_s <= seen_s + unseen_s + JUMP_S
        day = Day(today, midnight if is_next else now.wall)
        new_s = new_s if is_next else 0.0
        seen_s = min(seen_s, max(0.0, new_s - unseen_s))  # what was seen came first
        unseen_s = min(new_s, unseen_s)
    day = _added(day, count.doing, seen_s, unseen_s)
    return Count(day, now, count.doing, count.until_s)


def seeing(count: Count, facts: AccountFacts) -> Count:
    """``count``, moved on to now, from when on ``facts`` are what is seen."""
    if not facts.fresh or facts.valid_until is None:
        return Count(count.day, count.at, Doing.UNSEEN)
    left_s = max(0.0, (facts.valid_until - count.at.wall).total_seconds())
    return Count(count.day, count.at, _doing(facts), count.at.monotonic_s + left_s)


def local_date(moment: datetime, zone: tzinfo | None) -> date:
    """Which day it is in ``zone``; ``None`` is the machine's own."""
    return moment.astimezone(zone).date()


def midnight_of(day: date, zone: tzinfo | None) -> datetime:
    """When ``day`` begins in ``zone``, whatever the summer time is then."""
    return moment_of(day, time(), zone).astimezone(UTC)


def _added(day: Day, doing: Doing, seen_s: float, unseen_s: float) -> Day:
    return day._replace(
        calls_s=day.calls_s + (seen_s if doing is Doing.CALL else 0.0),
        meetings_s=day.meetings_s + (seen_s if doing is Doing.MEETING else 0.0),
        unseen_s=day.unseen_s + unseen_s,
    )


def _doing(facts: AccountFacts) -> Doing:
    presence = facts.presence
    if presence is None:
        return Doing.UNSEEN
    if presence.in_call:
        return Doing.CALL
    if presence.in_meeting:
        return Doing.MEETING
    return Doing.UNSEEN if presence.in_call is None else Doing.NEITHER
