"""The cadence against others over generated days: delay from change to state, and calls.

Runs the product's own pure function in simulated time. The bound is a poller that knows how likely
a change is in such days: by state, half minute of the half hour, and time since the change.
"""

from __future__ import annotations

import bisect
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.days import DAY_S, OTHERS, PEOPLE, Change, Person, at_random, day
from bridge.config.tables.config import PollingSettings
from bridge.contract.presence import Activity, Availability, Presence
from bridge.polling.cadence import History, pace

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
TUNED_ON, REPORTED_ON = 1, 2026
DAYS_EACH = 40
KNOWN_DAYS_EACH = 120
"""From so many other days of each of ``PEOPLE`` the bound knows what it knows."""
EVERY_S = 60.0
"""Changes at random times are so far apart on average."""
FASTER = (0.5, 0.7, 1.4, 2.0)
"""Ours is drawn with the three settings times each of these as well."""
BOUND_LAMBDAS = (0.065, 0.08, 0.095, 0.14)
BOUND_FASTEST_S, BOUND_SLOWEST_S = 1.0, 30.0
STEP_S, HALF_HOUR_S = 30.0, 1800.0
AGES_S = (
    *(60, 120, 240, 400, 600, 900, 1200, 1500, 1800, 2400, 3000, 3600, 5400, 7200, 14_400, 28_800),
    *(hours * 3600 for hours in (12, 13, 14, 14.5, 15, 15.5, 16, 16.5, 17, 18)),
)

_PRESENCES = {
    "available": Presence(availability=Availability.AVAILABLE),
    "in_a_call": Presence(availability=Availability.BUSY, activity=Activity.IN_A_CALL),
    "away": Presence(availability=Availability.AWAY),
    "offline": Presence(availability=Availability.OFFLINE),
}

Poller = Callable[[str, float, float], float]
"""The seconds to the next poll, from the presence, when it began, and the second of the day."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poller did over one day."""

    delays_s: list[float]
    calls: int


def run(*, quick: bool = False) -> dict[str, Any]:
    """By kind of days: ours, fixed pollers and the bound. Delays in seconds, calls a day."""
    each = DAYS_EACH // 4 if quick else DAYS_EACH
    hazards = Hazards(_days(PEOPLE, Random(TUNED_ON), KNOWN_DAYS_EACH // (4 if quick else 1)))
    return {
        "people": _compared(_days(PEOPLE, Random(REPORTED_ON), each), hazards),
        "others": _compared(_days(OTHERS, Random(REPORTED_ON), each), hazards),
        "random": _at_random(each),
    }


def _days(people: Sequence[Person], random: Random, each: int) -> list[list[Change]]:
    return [day(person, random) for person in people for _ in range(each)]


def _compared(days: Sequence[Sequence[Change]], hazards: Hazards) -> dict[str, Any]:
    random = Random(REPORTED_ON)
    ours = _measured(days, _ours(random), random)
    bound = [_measured(days[::2], hazards.poller(root), random) for root in BOUND_LAMBDAS]
    return {
        "ours": ours,
        **{f"fixed {s} s": _measured(days, _fixed(s), random) for s in (3, 5, 10, 30)},
        "bound_mean_s": _between(bound, ours["calls_a_day"]),
        "bound": bound,
        "ours_scaled": [
            _measured(days[::4], _ours(random, times=times), random) for times in FASTER
        ],
    }


def _at_random(each: int) -> dict[str, Any]:
    """In working hours, with changes at random times: ours, and a fixed poller of its rate."""
    random = Random(REPORTED_ON)
    days = [at_random(EVERY_S, random) for _ in range(max(1, each // 8))]
    ours = _measured(days, _ours(random), random)
    every_s = DAY_S / ours["calls_a_day"]
    return {"ours": ours, "fixed, same rate": _measured(days, _fixed(every_s), random)}


def _ours(random: Random, *, times: float = 1.0) -> Poller:
    usual = PollingSettings()
    settings = PollingSettings(
        fastest=usual.fastest * times, steady=usual.steady * times, slowest=usual.slowest
    )
    histories: dict[tuple[str, float], History] = {}

    def poller(presence: str, since_s: float, at_s: float) -> float:
        key = (presence, since_s)
        if key not in histories:
            changed_at = MIDNIGHT + timedelta(seconds=since_s)
            histories[key] = History(changed_at=changed_at, presences=(_PRESENCES[presence],))
        now = MIDNIGHT + timedelta(seconds=at_s)
        return pace(histories[key], now, settings, random=random.random, zone=UTC).delay_s

    return poller


def _fixed(seconds: float) -> Poller:
    return lambda _presence, _since_s, _at_s: seconds


class Hazards:
    """How likely a change is in ``days``, by state, half minute and time since the change."""

    def __init__(self, days: Iterable[Sequence[Change]]) -> None:
        self._changes: Counter[tuple[str, int, int]] = Counter()
        self._seconds: Counter[tuple[str, int, int]] = Counter()
        for changes in days:
            self._add(changes)
        self._of_state = self._summed(lambda cell: (cell[0],))
        self._of_age = self._summed(lambda cell: (cell[0], cell[2]))
        self._of_half_minute = self._summed(lambda cell: (cell[0], cell[1]))

    def poller(self, root: float) -> Poller:
        """Polls every ``root`` over the root of the hazard seconds."""
        delays: dict[tuple[str, int, int], float] = {}

        def poller(presence: str, since_s: float, at_s: float) -> float:
            cell = _cell(presence, since_s, at_s)
            if cell not in delays:
                delay_s = root / math.sqrt(self._hazard(cell))
                delays[cell] = min(BOUND_SLOWEST_S, max(BOUND_FASTEST_S, delay_s))
            return delays[cell]

        return poller

    def _add(self, changes: Sequence[Change]) -> None:
        since_s = changes[-1].at_s - DAY_S
        ends = [*(change.at_s for change in changes[1:]), DAY_S]
        for change, end_s in zip(changes, ends, strict=True):
            since_s = change.at_s or since_s
            for step in range(int((end_s - change.at_s) / STEP_S) + 1):
                at_s = change.at_s + step * STEP_S
                cell = _cell(change.presence, since_s, at_s)
                self._seconds[cell] += int(min(STEP_S, end_s - at_s))
            if end_s < DAY_S:
                self._changes[_cell(change.presence, since_s, end_s)] += 1

    def _summed(self, part: Callable[[tuple[str, int, int]], tuple[Any, ...]]) -> dict[Any, float]:
        """Changes a second, by a part of the cell."""
        changes: Counter[Any] = Counter()
        seconds: Counter[Any] = Counter()
        for cell, value in self._seconds.items():
            seconds[part(cell)] += value
            changes[part(cell)] += self._changes[cell]
        return {key: (changes[key] + 0.1) / (value + 600) for key, value in seconds.items()}

    def _hazard(self, cell: tuple[str, int, int]) -> float:
        """Where it was seldom seen, what state, half minute and age say each for itself."""
        state, half_minute, age = cell
        of_state = self._of_state.get((state,), 1e-6)
        guess = self._of_age.get((state, age), of_state) / of_state
        guess *= self._of_half_minute.get((state, half_minute), of_state)
        return (self._changes[cell] + 1.5) / (self._seconds[cell] + 1.5 / guess)


def _cell(presence: str, since_s: float, at_s: float) -> tuple[str, int, int]:
    return presence, int(at_s % HALF_HOUR_S / STEP_S), bisect.bisect(AGES_S, at_s - since_s)


def _measured(days: Iterable[Sequence[Change]], poller: Poller, random: Random) -> dict[str, float]:
    outcomes = [_follow(changes, poller, random) for changes in days]
    delays = sorted(delay for outcome in outcomes for delay in outcome.delays_s)
    return {
        "mean_delay_s": statistics.mean(delays),
        "p90_delay_s": delays[int(len(delays) * 0.9)],
        "p99_delay_s": delays[int(len(delays) * 0.99)],
        "calls_a_day": statistics.mean(outcome.calls for outcome in outcomes),
    }


def _follow(changes: Sequence[Change], poller: Poller, random: Random) -> Outcome:
    """Poll through one day, the day before being like it; the state is what a poll finds."""
    at_s, index, calls = random.uniform(0, 30), 0, 0
    seen, since_s = changes[0].presence, changes[-1].at_s - DAY_S
    delays: list[float] = []
    while at_s < DAY_S:
        calls += 1
        first = index + 1
        while index + 1 < len(changes) and changes[index + 1].at_s <= at_s:
            index += 1
        if changes[index].presence != seen:
            seen, since_s = changes[index].presence, at_s
            delays.append(at_s - changes[first].at_s)
        at_s += poller(seen, since_s, at_s)
    return Outcome(delays, calls)


def _between(bound: Sequence[dict[str, float]], calls: float) -> float:
    """The mean delay of the bound at as many calls."""
    points = sorted((each["calls_a_day"], each["mean_delay_s"]) for each in bound)
    at = min(max(1, bisect.bisect(points, (calls, 0.0))), len(points) - 1)
    (few, slow_s), (many, fast_s) = points[at - 1], points[at]
    return slow_s + (fast_s - slow_s) * (calls - few) / (many - few)


def pollers(told: dict[str, Any]) -> Iterable[tuple[str, dict[str, float]]]:
    """Those that a table names, with their names."""
    names = {
        "ours": "the bridge",
        "fixed 5 s": "fixed 5 s, the nearest script",
        "fixed 10 s": "fixed 10 s",
        "fixed 30 s": "fixed 30 s",
        "fixed, same rate": "fixed, as many calls",
    }
    return ((name, told[key]) for key, name in names.items() if key in told)


def main() -> None:
    """Print the pollers by kind of days."""
    measured = run()
    for kind, told in measured.items():
        print(f"\n{kind:30} {'mean':>7} {'p90':>7} {'p99':>7} {'calls':>8}")
        for name, each in pollers(told):
            figures = [each[f"{figure}_delay_s"] for figure in ("mean", "p90", "p99")]
            print(f"{name:30}", *(f"{s:7.2f}" for s in figures), f"{each['calls_a_day']:8.0f}")
        if "bound_mean_s" in told:
            print(f"the bound at the calls of ours: {told['bound_mean_s']:.2f} s")


if __name__ == "__main__":
    main()
