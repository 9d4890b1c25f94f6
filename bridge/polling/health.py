"""Folds the states of all sources into one report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.contract.health import Health
from bridge.polling.status import INTERNAL_ERROR, REPORT, Status


def fold(
    statuses: Mapping[str, Status], *, failed: Sequence[str] = (), broker: Sequence[str] = ()
) -> Health:
    """One report; unhealthy while any source has a problem, with the first one told.

    ``failed`` are other parts that were started again after an internal error, ``broker`` is what
    the broker does not let us do.
    """
    problems = dict.fromkeys(failed, f"{INTERNAL_ERROR} {REPORT}")
    if broker:
        problems["broker"] = broker[0]
    problems |= {slug: status.problem for slug, status in statuses.items() if status.problem}
    reason = None
    if problems:
        name, problem = next(iter(problems.items()))
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        reason = f"{name}: {problem}{more}"
    values = list(statuses.values())
    nexts = [(s.next_poll, s.pace.why if s.pace else None) for s in values if s.next_poll]
    next_poll, why = min(nexts, key=lambda item: item[0], default=(None, None))
    paces = [status.pace.delay_s for status in values if status.pace]
    return Health(
        healthy=not problems,
        reason=reason,
        last_poll_ok=max((s.last_poll_ok for s in values if s.last_poll_ok), default=None),
        last_poll_attempt=max(
            (s.last_poll_attempt for s in values if s.last_poll_attempt), default=None
        ),
        consecutive_failures=max((s.consecutive_failures for s in values), default=0),
        throttled_until=max((s.throttled_until for s in values if s.throttled_until), default=None),
        poll_interval=round(min(paces), 1) if paces else None,
        next_poll=next_poll,
        next_poll_why=why,
        internal_errors=sum(status.internal_errors for status in values),
    )
