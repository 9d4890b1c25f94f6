"""What a lamp does outside of its hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

from bridge.contract.hours import WeeklyHours
from bridge.contract.light import OFF
from drivers.rules.look import GIVE_BACK, Look, Shown

Outside = Literal["off", "keep", "give_back"] | Look


@dataclass(frozen=True, kw_only=True)
class LampHours:
    """When a lamp follows anybody."""

    hours: WeeklyHours | None = None
    outside: Outside = "off"
    outside_on: Mapping[int, Outside] = field(default_factory=dict)
    """The same by weekday (0 is Monday), where one has its own."""
    zone: tzinfo | None = None

    def outside_at(self, now: datetime) -> Outside | None:
        """What is wanted at ``now``, by its weekday; ``None`` within the hours."""
        if self.hours is None or self.hours.contain(now, self.zone):
            return None
        return self.outside_on.get(now.astimezone(self.zone).weekday(), self.outside)


def shown_outside(outside: Outside, scale: float) -> tuple[Shown, str]:
    """The look, and the rule in words."""
    if outside == "keep":
        return None, "outside of the schedule: left as it is"
    if outside == "off":
        return OFF, "outside of the schedule: off"
    if outside == "give_back":
        return GIVE_BACK, "outside of the schedule: given back"
    return outside.shown(scale), "outside of the schedule: its own look"
