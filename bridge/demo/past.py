"""The week before the demo began, made up, in the form in which the bridge keeps its history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from bridge.contract.clock import Clock
from bridge.contract.presence_kind import Kind, kind_of
from bridge.demo.day import Moment, apply, working_day
from bridge.demo.person import Person
from bridge.microsoft.presence import parse_presence

DAYS = 7
"""As many as the bridge keeps."""


def past_week(account: str, clock: Clock) -> str:
    """The lines of ``history.jsonl``: what ``account`` did on each day up to now."""
    now = clock.now()
    person = Person()  # not the demo's own, to whom nothing has happened yet
    lines: list[dict[str, str]] = []
    last: Kind | None = None
    for at, moment in _moments(now):
        apply(person, moment)
        kind = kind_of(parse_presence(person.resource()))
        if kind is not last:
            lines.append({"at": _written(at), "account": account, "kind": kind})
            last = kind
    alive = {"at": _written(now)}
    return "".join(f"{json.dumps(line)}\n" for line in [*lines, alive])


def _moments(now: datetime) -> Iterator[tuple[datetime, Moment]]:
    """What happened up to ``now``; the hours are those of the clock on the wall here."""
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(DAYS, -1, -1):
        day = midnight - timedelta(days=ago)
        random = Random(day.toordinal())  # noqa: S311 - each start on a day makes up the same
        for moment in working_day(random):
            at = day + timedelta(seconds=moment.at_s)
            if at < now:
                yield at, moment


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
