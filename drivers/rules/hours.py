"""When a lamp follows presence: what it does outside of its hours, and when it comes back. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from bridge.contract.hours import moment_of
from bridge.contract.light import OFF
from drivers.rules.look import GIVE_BACK, Look, Shown

Outside = Literal["off", "keep", "give_back"] | Look
NEVER: Literal["never"] = "never"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def shown_outside(outside: Outside, scale: float) -> tuple[Shown, str]:
    """The look, and the rule in words."""
    if outside == "keep":
        return None, "outside of the schedule: left as it is"
    if outside == "off":
        return OFF, "outside of the schedule: off"
    if outside == "give_back":
        return GIVE_BACK, "outside of the schedule: given back"
    return outside.shown(scale), "outside of the schedule: its own look"


def _time_of_day(value: Any) -> Any:
    if value == NEVER or isinstance(value, time):
        return value
    if match := _CLOCK.fullmatch(value) if isinstance(value, str) else None:
        return time(int(match[1]), int(match[2]))
    raise ValueError('write "never", or a time of day as "06:00"')


ComesBack = Annotated[time | Literal["never"], BeforeValidator(_time_of_day)]
"""When presence takes over a lamp that was switched off: when it is switched on, or at such a time.

A time of day and not the next change of presence: after "all lights off" in the evening that comes
within minutes, when Teams finds that nobody is there.
"""


def next_time(at: time, now: datetime, zone: tzinfo | None) -> datetime:
    """The first moment after ``now`` at which a wall clock in ``zone`` shows ``at``.

    ``None`` is the machine's own zone. A time that the clocks leave out in spring comes with the
    hour that they leave out.
    """
    today = now.astimezone(zone).date()
    moments = (moment_of(today + timedelta(days=days), at, zone) for days in (0, 1, 2))
    return next(moment for moment in moments if moment > now)
