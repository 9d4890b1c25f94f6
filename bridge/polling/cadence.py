"""How long to wait after a good poll. A pure function of what happened; never a timer.

The table says how likely a change is, compared with somebody who works: by state, time since the
last change, and place in the half hour. Polling by the root of that costs the fewest requests for
the same mean delay. ``scripts/bench`` compares it with the best that is possible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, tzinfo
from enum import StrEnum, auto
from typing import NamedTuple

from bridge.config.tables.config import PollingSettings
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Availability, Presence
from bridge.contract.retry import Random

MOST_LIKELY, LEAST_LIKELY = 6.25, 1 / 36
"""Here the pace is ``fastest`` and ``slowest``. With 2, 5 and 30 s it follows the root."""
FADES_AFTER_S = 2400.0
"""From then on a change is rarer the longer there was none: at twice the time a quarter."""
HALF_HOUR_S, HOUR_S, DAY_S = 1800.0, 3600.0, 86_400.0
BACK_AFTER_S = (14.5 * HOUR_S, 19 * HOUR_S)
"""Whose day is over comes back so long after it, or whole days later."""
MORNING = range(7, 10)
"""Local hours in which people arrive on a weekday, also when nobody saw when they left."""
WEEKEND = 5
"""``datetime.weekday`` of Saturday."""
JITTER = 0.1
"""A share of the delay, so that many accounts do not beat together."""
CALL_SHARE_S = 0.04
"""At least so long a pause for each request of a read: half of the budget at the most."""


class History(NamedTuple):
    """What the cadence knows of the past."""

    changed_at: datetime | None = None
    """The last change that was seen."""
    presences: tuple[Presence, ...] = ()
    """What people in the source do now."""


class Pace(NamedTuple):
    """The next delay and why."""

    delay_s: float
    why: str
    """A few words for people."""


class State(StrEnum):
    """What somebody does, as far as the pace is concerned."""

    WORKS = auto()
    CALL = auto()
    AWAY = auto()
    OFFLINE = auto()


WORKS, CALL, AWAY, OFFLINE = (frozenset({state}) for state in State)
AT_WORK, GONE = WORKS | CALL, AWAY | OFFLINE


class Row(NamedTuple):
    """How ``likely`` a change is between two times; somebody who works is 1. The largest counts."""

    states: AbstractSet[State]
    from_s: float
    until_s: float
    likely: float
    why: str


SINCE_THE_CHANGE = (
    Row(AT_WORK, 0, 120, 6.25, "just changed"),  # in, mute, share, out
    Row(GONE, 0, 60, 6.25, "just changed"),
    Row(CALL, 0, 460, 12, "a call may end"),  # most calls are short
    Row(OFFLINE, 0, 720, 0.7, "somebody may come back"),  # a computer starts again
    Row(WORKS, 0, math.inf, 1, "somebody works"),
    Row(CALL, 0, math.inf, 0.45, "a call goes on"),
    Row(AWAY, 0, math.inf, 3.5, "somebody may come back"),
    Row(OFFLINE, 0, math.inf, 0, "offline"),
)
ROUND_THE_HALF_HOUR = (
    Row(WORKS, -90, 120, 4, "a meeting may start or end"),
    Row(CALL, -300, 300, 16, "a meeting may start or end"),
)
ARRIVAL = Row(GONE, *BACK_AFTER_S, 0.6, "somebody may arrive")


def pace(
    history: History,
    now: datetime,
    settings: PollingSettings,
    *,
    random: Random,
    hours: WeeklyHours | None = None,
    zone: tzinfo | None = None,
) -> Pace:
    """When to poll next after a good poll. Between ``fastest`` and ``slowest``."""
    if hours and not hours.contain(now, zone):
        return Pace(settings.slowest, "outside of the account's hours")
    row = _likeliest(history, now.astimezone(zone))
    spread = 1.0 + JITTER * (2.0 * random() - 1.0)
    delay_s = _delay_s(row.likely, settings) * spread
    return Pace(min(settings.slowest, max(settings.fastest, delay_s)), row.why)


def fair(chosen: Pace, calls: int) -> Pace:
    """What was ``chosen``, or later where a read takes many ``calls``."""
    fair_s = calls * CALL_SHARE_S
    return Pace(fair_s, "a fair share of the requests") if fair_s > chosen.delay_s else chosen


def _delay_s(likely: float, settings: PollingSettings) -> float:
    """``steady`` at 1, and in equal ratios to the bounds, so that each is reached as it is set."""
    if likely >= 1:
        share = min(1.0, math.log(likely) / math.log(MOST_LIKELY))
        return settings.steady * math.pow(settings.fastest / settings.steady, share)
    share = math.log(max(likely, LEAST_LIKELY)) / math.log(LEAST_LIKELY)
    return settings.steady * math.pow(settings.slowest / settings.steady, share)


def _likeliest(history: History, local: datetime) -> Row:
    states = _states(history.presences)
    since_s = (local - history.changed_at).total_seconds() if history.changed_at else -1.0
    age_s = since_s if since_s >= 0 else FADES_AFTER_S  # unknown: neither young nor old
    half_hour_s = (local.minute * 60 + local.second) % HALF_HOUR_S
    if half_hour_s > HALF_HOUR_S / 2:
        half_hour_s -= HALF_HOUR_S
    rows = [
        *_at(SINCE_THE_CHANGE, states, age_s),
        *_at(ROUND_THE_HALF_HOUR, states, half_hour_s),
    ]
    likeliest = _faded(max(rows, key=lambda row: row.likely), age_s)
    if states <= GONE and likeliest.likely < ARRIVAL.likely and _arrives(local, age_s):
        return ARRIVAL
    return likeliest


def _at(rows: Iterable[Row], states: AbstractSet[State], at_s: float) -> Iterator[Row]:
    return (row for row in rows if row.from_s <= at_s < row.until_s and row.states & states)


def _faded(row: Row, age_s: float) -> Row:
    if age_s <= FADES_AFTER_S or not row.likely:
        return row
    likely = row.likely * (FADES_AFTER_S / age_s) ** 2
    return row._replace(likely=likely, why=row.why if likely > 1 else "nothing changes for long")


def _arrives(local: datetime, age_s: float) -> bool:
    is_morning = local.hour in MORNING and local.weekday() < WEEKEND
    return is_morning or ARRIVAL.from_s <= age_s % DAY_S < ARRIVAL.until_s


def _states(presences: Iterable[Presence]) -> AbstractSet[State]:
    return {_state(presence) for presence in presences} or WORKS


def _state(presence: Presence) -> State:
    if presence.in_call:
        return State.CALL
    return _GONE.get(presence.availability, State.WORKS)


_GONE: Mapping[Availability | None, State] = {
    Availability.AWAY: State.AWAY,
    Availability.BE_RIGHT_BACK: State.AWAY,
    Availability.OFFLINE: State.OFFLINE,
}
