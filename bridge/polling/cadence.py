"""How long to wait after a good poll. A pure function of what happened; never a timer.

Near ``fastest`` just after a change, early in a call and where meetings start and end, ``steady``
while somebody works, sliding to ``slowest`` when nothing changes for long, when everybody is
offline, or outside the account's hours. ``scripts/bench cadence`` shows what each of it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bridge.config.models import PollingSettings
from bridge.contract.hours import WeeklyHours
from bridge.contract.presence import Availability, Presence
from bridge.retry import Random

BRISK = 0.2
"""The brisk pace lies this far from ``fastest`` on the way to ``steady``."""
JUST_CHANGED_S = 15.0
"""Changes come in groups: in, mute, share, out."""
SHORT_CALL_S = 400.0
"""Most calls that end at no round hour have ended by then."""
QUIET_AFTER_S, SLOWEST_AFTER_S = 600.0, 43_200.0
"""From the first on the pace slides, at the second it has arrived."""
EDGE_S = 1800.0
"""Meetings start and end at the hour and the half hour."""
EDGE_BEFORE_S, EDGE_AFTER_S = 45.0, 100.0
MORNING = range(6, 10)
"""Local hours of a weekday in which people arrive."""
WEEKEND = 5
"""``datetime.weekday`` of Saturday."""
JITTER = 0.1
"""A share of the delay, so that many accounts do not beat together."""


@dataclass(frozen=True, slots=True)
class History:
    """What the cadence knows of the past."""

    changed_at: datetime | None = None
    """The last change that was seen."""
    presences: tuple[Presence, ...] = ()
    """The newest presences of everybody in the source."""


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
    """When to poll next after a good poll. Between ``fastest`` and ``slowest``."""
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
    local = now.astimezone(zone)
    quiet_s = (now - history.changed_at).total_seconds() if history.changed_at else None
    just_changed = quiet_s is not None and 0 <= quiet_s < JUST_CHANGED_S
    if _all_offline(history.presences) and not just_changed:
        return _offline(local, settings)
    why_brisk = _why_brisk(history, local, quiet_s, just_changed=just_changed)
    if why_brisk:
        brisk_s = settings.fastest + BRISK * (settings.steady - settings.fastest)
        return Pace(brisk_s, why_brisk)
    share = ((quiet_s or 0.0) - QUIET_AFTER_S) / (SLOWEST_AFTER_S - QUIET_AFTER_S)
    if share <= 0:
        return Pace(settings.steady, "somebody works")
    slow_s = settings.steady + min(1.0, share) * (settings.slowest - settings.steady)
    return Pace(slow_s, "nothing changes for long")


def _offline(local: datetime, settings: PollingSettings) -> Pace:
    if local.hour in MORNING and local.weekday() < WEEKEND:
        return Pace(settings.steady, "somebody may arrive")
    return Pace(settings.slowest, "offline")


def _why_brisk(
    history: History, local: datetime, quiet_s: float | None, *, just_changed: bool
) -> str | None:
    if just_changed:
        return "just changed"
    since_s = (local.minute * 60 + local.second) % EDGE_S
    if since_s < EDGE_AFTER_S or since_s > EDGE_S - EDGE_BEFORE_S:
        return "a meeting may start or end"
    in_call = any(presence.in_call for presence in history.presences)
    if in_call and quiet_s is not None and quiet_s < SHORT_CALL_S:
        return "a call may end"
    return None


def _all_offline(presences: Sequence[Presence]) -> bool:
    return bool(presences) and all(
        presence.availability is Availability.OFFLINE for presence in presences
    )
