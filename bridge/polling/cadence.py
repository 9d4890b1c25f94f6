"""How long to wait before the next poll. A pure function of what happened; never a timer.

Near ``fastest`` just after a change and where meetings start and end, ``steady`` while somebody
works, sliding to ``slowest`` when nothing changes for long, when everybody is offline, or outside
the account's hours (section 8 of the design).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bridge.config import PollingSettings
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Availability, Presence
from bridge.retry import Random, full_jitter

JUST_CHANGED_S = 60.0
"""Changes come in groups: in, mute, share, out."""
QUIET_AFTER_S, SLOWEST_AFTER_S = 600.0, 3600.0
"""From the first on the pace slides, at the second it has arrived."""
EDGES = (0, 30)
"""Minutes of the hour at which meetings start and end."""
EDGE_BEFORE_S, EDGE_AFTER_S = 30.0, 180.0
JITTER = 0.1
"""A share of the delay, so that many accounts do not beat together."""
FAILING_FIRST_S, FAILING_MOST_S = 2.0, 300.0


@dataclass(frozen=True, slots=True)
class History:
    """What the cadence knows of the past."""

    changed_at: datetime | None = None
    """The last change that was seen."""
    presences: tuple[Presence, ...] = ()
    """The newest presences of everybody in the source."""
    failures: int = 0
    """Polls that failed since the last good one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The next delay and why."""

    delay_s: float
    why: str
    """A few words for people."""


def pace(
    history: History,
    now: datetime,
    settings: PollingSettings,
    *,
    random: Random,
    hours: WeeklyHours | None = None,
    zone: tzinfo | None = None,
) -> Pace:
    """When to poll next. Between ``fastest`` and ``slowest``, except after failures."""
    if history.failures:
        wait = full_jitter(
            history.failures - 1, first_s=FAILING_FIRST_S, most_s=FAILING_MOST_S, random=random
        )
        return Pace(max(settings.fastest, wait), "Microsoft does not answer")
    plain = _plain(history, now, settings, hours, zone)
    spread = 1.0 + JITTER * (2.0 * random() - 1.0)
    delay = min(settings.slowest, max(settings.fastest, plain.delay_s * spread))
    return Pace(delay, plain.why)


def _plain(
    history: History,
    now: datetime,
    settings: PollingSettings,
    hours: WeeklyHours | None,
    zone: tzinfo | None,
) -> Pace:
    if hours and not hours.contain(now, zone):
        return Pace(settings.slowest, "outside of the account's hours")
    quiet_s = (now - history.changed_at).total_seconds() if history.changed_at else 0.0
    if 0 <= quiet_s < JUST_CHANGED_S and history.changed_at:
        return Pace(settings.fastest, "just changed")
    if _all_offline(history.presences):
        return Pace(settings.slowest, "offline")
    if _near_edge(now, zone):
        return Pace(settings.fastest, "a meeting may start or end")
    if quiet_s < QUIET_AFTER_S:
        return Pace(settings.steady, "somebody works")
    share = min(1.0, (quiet_s - QUIET_AFTER_S) / (SLOWEST_AFTER_S - QUIET_AFTER_S))
    return Pace(
        settings.steady + share * (settings.slowest - settings.steady), "nothing changes for long"
    )


def _all_offline(presences: Sequence[Presence]) -> bool:
    return bool(presences) and all(
        presence.availability is Availability.OFFLINE for presence in presences
    )


def _near_edge(now: datetime, zone: tzinfo | None) -> bool:
    local = now.astimezone(zone)
    seconds = local.minute * 60 + local.second
    for edge in (*(minute * 60 for minute in EDGES), 3600):
        if -EDGE_BEFORE_S <= seconds - edge <= EDGE_AFTER_S:
            return True
    return False
