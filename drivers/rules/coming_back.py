"""When presence takes over a lamp that was switched off. Pure.

By a time of day and not by the next change of presence: after "all lights off" in the evening that
comes within minutes, when Teams finds that nobody is there.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from bridge.contract.hours import moment_of

NEVER: Literal["never"] = "never"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _time_of_day(value: Any) -> Any:
    if value == NEVER or isinstance(value, time):
        return value
    if match := _CLOCK.fullmatch(value) if isinstance(value, str) else None:
        return time(int(match[1]), int(match[2]))
    raise ValueError('write "never", or a time of day as "06:00"')


ComesBack = Annotated[time | Literal["never"], BeforeValidator(_time_of_day)]
"""Until it is switched on, or at the next such time."""


def next_time(at: time, now: datetime, zone: tzinfo | None) -> datetime:
    """The first moment after ``now`` at which a wall clock in ``zone`` shows ``at``.

    ``None`` is the machine's own zone. A time that the clocks leave out in spring comes with the
    hour that they leave out.
    """
    today = now.astimezone(zone).date()
    for days in (0, 1, 2):
        moment = moment_of(today + timedelta(days=days), at, zone)
        if moment > now:
            return moment
    raise AssertionError("one of three days comes after now")
