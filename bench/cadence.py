"""The cadence against fixed pollers over generated days: delay from change to state, and calls.

Runs the product's own pure function in simulated time. Never touches the network.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.days import DAY_S, OTHERS, PEOPLE, Change, Person, day
from bridge.config.models import PollingSettings
from bridge.contract.presence import Activity, Availability, Presence
from bridge.polling.cadence import History, pace

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
TUNED_ON, REPORTED_ON = 1, 2026
DAYS_EACH = 40

_PRESENCES = {
    "available": Presence(availability=Availability.AVAILABLE),
    "busy": Presence(availability=Availability.BUSY),
    "in_a_call": Presence(availability=Availability.BUSY, activity=Activity.IN_A_CALL),
    "away": Presence(availability=Availability.AWAY),
    "offline": Presence(availability=Availability.OFFLINE),
}

Poller = Callable[[History, datetime], float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poller did over one day."""

    delays_s: list[float]
    calls: int
    working_delays_s: list[float]
    working_calls: int


def run(seed: int = REPORTED_ON, people: Sequence[Person] = PEOPLE) -> dict[str, Any]:
    """Ours and the fixed pollers over the same days; delays in seconds, calls a day."""
    random = Random(seed)
    days = [day(person, random) for person in people for _ in range(DAYS_EACH)]
    settings = PollingSettings()

    def ours(history: History, now: datetime) -> float:
        return pace(history, now, settings, random=random.random, zone=UTC).delay_s

    results = {"ours": _told([_follow(each, ours, random) for each in days])}
    for fixed in (5, 10, 30):
        results[f"fixed_{fixed}s"] = _told([_follow(each, _fixed(fixed), random) for each in days])
    return results


def _fixed(seconds: float) -> Poller:
    return lambda _history, _now: seconds


def _follow(changes: Sequence[Change], poller: Poller, random: Random) -> Outcome:
    """Poll through one day; the state is what a poll finds."""
    at, index, seen = random.uniform(0, 30), 0, changes[0].presence
    history = History(presences=(_PRESENCES[seen],))
    delays: list[float] = []
    working_delays: list[float] = []
    calls = working_calls = 0
    starts = changes[1].at_s if len(changes) > 1 else 0.0
    ends = changes[-1].at_s
    while at < DAY_S:
        calls += 1
        working = starts <= at <= ends
        working_calls += working
        found = None
        while index + 1 < len(changes) and changes[index + 1].at_s <= at:
            index += 1
            found = found or changes[index]
        if found is not None and changes[index].presence != seen:
            seen = changes[index].presence
            delays.append(at - found.at_s)
            working_delays.append(at - found.at_s)
            now = MIDNIGHT + timedelta(seconds=at)
            history = History(changed_at=now, presences=(_PRESENCES[seen],))
        at += poller(history, MIDNIGHT + timedelta(seconds=at))
    return Outcome(delays, calls, working_delays, working_calls)


def _told(outcomes: Sequence[Outcome]) -> dict[str, float]:
    delays = sorted(delay for outcome in outcomes for delay in outcome.delays_s)
    return {
        "mean_delay_s": statistics.mean(delays),
        "p50_delay_s": delays[len(delays) // 2],
        "p90_delay_s": delays[int(len(delays) * 0.9)],
        "p99_delay_s": delays[int(len(delays) * 0.99)],
        "calls_a_day": statistics.mean(outcome.calls for outcome in outcomes),
        "working_calls_a_day": statistics.mean(outcome.working_calls for outcome in outcomes),
        "changes": len(delays),
        "days": len(outcomes),
    }


def main() -> None:
    """Print the frontier."""
    for title, people in (("People", PEOPLE), ("Others, not tuned on", OTHERS)):
        print(f"\n{title}: {', '.join(person.name for person in people)}")
        print(f"{'':10} {'mean':>7} {'p50':>7} {'p90':>7} {'p99':>7} {'calls':>8} {'working':>8}")
        for name, told in run(people=people).items():
            print(
                f"{name:10} {told['mean_delay_s']:7.2f} {told['p50_delay_s']:7.2f} "
                f"{told['p90_delay_s']:7.2f} {told['p99_delay_s']:7.2f} "
                f"{told['calls_a_day']:8.0f} {told['working_calls_a_day']:8.0f}"
            )


if __name__ == "__main__":
    main()
