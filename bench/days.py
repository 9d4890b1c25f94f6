"""Working days of generated people: when their presence changes. Pure; the same seed, the same day.

Meetings cluster at the hour and the half hour, people join late and leave early or late, calls come
unannounced, idle turns to away, nights are quiet. Three kinds of people and one shift worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

DAY_S = 86_400.0
HOUR_S, MINUTE_S = 3_600.0, 60.0

AVAILABLE, IN_CALL, AWAY, OFFLINE = "available", "in_a_call", "away", "offline"


@dataclass(frozen=True, slots=True)
class Change:
    """A presence from ``at_s`` seconds after midnight on."""

    at_s: float
    presence: str


@dataclass(frozen=True, slots=True)
class Person:
    """What kind of days somebody has."""

    name: str
    begins_h: float
    works_h: float
    meetings: int
    calls: int
    minute: int = 0
    """At this minute of the half hour their meetings start."""


PEOPLE = (
    Person("manager", 8.5, 9, meetings=9, calls=5),
    Person("engineer", 9, 8, meetings=3, calls=3),
    Person("support", 8, 8, meetings=1, calls=14),
)
OTHERS = (
    Person("meetings at five past", 9, 8, meetings=6, calls=3, minute=5),
    Person("night shift", 21, 8, meetings=2, calls=8),
)
"""People the cadence was not tuned on."""


def day(person: Person, random: Random) -> list[Change]:
    """One day of ``person``, sorted, without changes that change nothing."""
    begin = (person.begins_h + random.gauss(0, 0.3)) * HOUR_S
    end = begin + (person.works_h + random.gauss(0, 0.4)) * HOUR_S
    blocks = sorted([*_meetings(person, begin, end, random), *_calls(person, begin, end, random)])
    changes = [Change(begin, AVAILABLE)]
    free_from = begin
    for start, stop, kind in blocks:
        if start < free_from:
            continue
        changes += _idle(free_from, start, random)
        changes.append(Change(start, kind))
        changes.append(Change(stop, AVAILABLE))
        free_from = stop
    changes += _idle(free_from, end, random)
    changes.append(Change(end, OFFLINE))
    return _folded(changes)


def at_random(every_s: float, random: Random) -> list[Change]:
    """A day of changes at random times, ``every_s`` on average: a call, available, a call."""
    changes, at_s = [Change(0.0, AVAILABLE)], random.expovariate(1 / every_s)
    while at_s < DAY_S:
        presence = IN_CALL if changes[-1].presence == AVAILABLE else AVAILABLE
        changes.append(Change(at_s, presence))
        at_s += random.expovariate(1 / every_s)
    return changes


def _meetings(
    person: Person, begin: float, end: float, random: Random
) -> Iterator[tuple[float, float, str]]:
    slots = int((end - begin) / (HOUR_S / 2))
    for slot in random.sample(range(slots), k=min(slots, person.meetings)):
        half = (begin // (HOUR_S / 2) + 1 + slot) * (HOUR_S / 2) + person.minute * MINUTE_S
        start = half + random.gauss(20, 60)
        length = random.choice((0.5, 0.5, 1.0)) * HOUR_S
        yield start, half + length - person.minute * MINUTE_S + random.gauss(-60, 150), IN_CALL


def _calls(
    person: Person, begin: float, end: float, random: Random
) -> Iterator[tuple[float, float, str]]:
    for _ in range(person.calls):
        start = random.uniform(begin, end)
        yield start, start + random.lognormvariate(5.3, 0.8), IN_CALL


def _idle(begin: float, end: float, random: Random) -> Iterator[Change]:
    """Lunch and other breaks: away after a while, back after a while."""
    at = begin
    while end - at > 20 * MINUTE_S:
        at += random.expovariate(1 / (70 * MINUTE_S))
        back = at + random.lognormvariate(6.5, 0.7)
        if back >= end or at >= end:
            return
        yield Change(at, AWAY)
        yield Change(back, AVAILABLE)
        at = back


def _folded(changes: list[Change]) -> list[Change]:
    folded = [Change(0.0, OFFLINE)]
    for change in sorted(changes, key=lambda change: change.at_s % DAY_S):
        at_s = change.at_s % DAY_S
        if change.presence != folded[-1].presence and at_s > folded[-1].at_s:
            folded.append(Change(at_s, change.presence))
    return folded
