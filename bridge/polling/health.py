"""The status of each source, and one report of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bridge.contract.health import Health
from bridge.polling.cadence import Pace

INTERNAL_ERROR = "Internal error, started again."
REPORT = "Please report it with the log."
NOBODY = "Nobody is signed in."
SIGN_IN_NEEDED = "sign-in needed."
NAMED_MOST = 20
"""So many who need a sign-in are listed."""


class Status(NamedTuple):
    """The status of one source."""

    last_poll_ok: datetime | None = None
    last_poll_attempt: datetime | None = None
    consecutive_failures: int = 0
    problem: str | None = None
    name: str | None = None
    """Of the one person whom it reads, for people."""
    needs_sign_in: bool = False
    """Nothing can be read until a person signs in."""
    next_poll: datetime | None = None
    pace: Pace | None = None
    throttled_until: datetime | None = None
    internal_errors: int = 0
    """Errors since the start that nobody foresaw; each kind is in the log."""


def fold(
    statuses: Mapping[str, Status], *, failed: Sequence[str] = (), broker: Sequence[str] = ()
) -> Health:
    """One report; unhealthy while any source has a problem or waits for a sign-in.

    The reason names the first; what no sign-in mends goes before what one does.
    ``failed`` are other parts that were started again after an internal error, ``broker`` is what
    the broker does not let us do.
    """
    problems = [(name, f"{INTERNAL_ERROR} {REPORT}") for name in failed]
    problems += [("broker", problem) for problem in broker[:1]]
    for needs_sign_in, said in ((False, ""), (True, f"{SIGN_IN_NEEDED} ")):
        problems += [
            (status.name or slug, f"{said}{status.problem}")
            for slug, status in statuses.items()
            if status.problem and status.needs_sign_in is needs_sign_in
        ]
    needing = [slug for slug, status in statuses.items() if status.needs_sign_in]
    values = list(statuses.values())
    nexts = [(s.next_poll, s.pace.why if s.pace else None) for s in values if s.next_poll]
    next_poll, why = min(nexts, key=lambda item: item[0], default=(None, None))
    paces = [status.pace.delay_s for status in values if status.pace]
    return Health(
        healthy=not problems,
        reason=_reason(problems),
        sign_in_needed=tuple(needing[:NAMED_MOST]),
        failing=len(problems) > len(needing),
        last_poll_ok=_latest(s.last_poll_ok for s in values),
        last_poll_attempt=_latest(s.last_poll_attempt for s in values),
        consecutive_failures=max((s.consecutive_failures for s in values), default=0),
        throttled_until=_latest(s.throttled_until for s in values),
        poll_interval=round(min(paces), 1) if paces else None,
        next_poll=next_poll,
        next_poll_why=why,
        internal_errors=sum(status.internal_errors for status in values),
    )


def _reason(problems: Sequence[tuple[str, str]]) -> str | None:
    if not problems:
        return None
    name, problem = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{name}: {problem}{more}"


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
