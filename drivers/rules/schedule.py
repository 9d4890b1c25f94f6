"""What a lamp does outside of its hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Literal

from bridge.contract.hours import WeeklyHours
from bridge.contract.light import OFF
from drivers.rules.look import GIVE_BACK, Look, Shown

Outside = Literal["off", "keep", "give_back"] | Look
"""What a lamp does outside of its hours."""


def outside_at(
    now: datetime,
    *,
    hours: WeeklyHours | None,
    zone: tzinfo | None,
    outside: Outside,
    outside_on: Mapping[int, Outside],
) -> Outside | None:
    """What is wanted at ``now``, by its weekday; ``None`` within the hours."""
    if hours is None or hours.contain(now, zone):
        return None
    return outside_on.get(now.astimezone(zone).weekday(), outside)


def shown_outside(outside: Outside, scale: float) -> tuple[Shown, str]:
    """The look, and the rule in words."""
    if outside == "keep":
        return None, "outside of the schedule: left as it is"
    if outside == "off":
        return OFF, "outside of the schedule: off"
    if outside == "give_back":
        return GIVE_BACK, "outside of the schedule: given back"
    return outside.shown(scale), "outside of the schedule: its own look"
