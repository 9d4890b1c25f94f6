"""Shows each look of a lamp in turn, for a short while. Pure: the moment is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from bridge.contract.light import LightState
from drivers.rules import GIVE_BACK, Look, Shown

EACH_S = 3.0


class LookTrial(NamedTuple):
    """The looks that are still to come, each under its name; the first is shown now."""

    looks: tuple[tuple[str, Shown], ...]
    ends_s: float
    """Monotonic time at which the first one ends."""

    @property
    def name(self) -> str:
        """Of the look that is shown now; empty while a trial is undone."""
        return self.looks[0][0]

    @property
    def shown(self) -> Shown:
        """The look that is shown now."""
        return self.looks[0][1]

    def next(self) -> LookTrial | None:
        """What is left of it after this look."""
        coming = self.looks[1:]
        return LookTrial(coming, self.ends_s + EACH_S) if coming else None


def trial_of(looks: Mapping[str, Look], scale: float, now_s: float) -> LookTrial | None:
    """Those of ``looks`` that differ, each under its first name; ``None`` where there is none."""
    named: dict[LightState, str] = {}
    for name, look in looks.items():
        if not look.give_back:
            named.setdefault(look.state(scale), name)
    several = tuple((name, state) for state, name in named.items())
    return LookTrial(several, now_s + EACH_S) if several else None


def undoing(before: Shown, now_s: float) -> LookTrial:
    """Makes a light that is to be left as it is what it was ``before`` its looks were tried."""
    return LookTrial((("", before),), math.inf if before is GIVE_BACK else now_s + EACH_S)
