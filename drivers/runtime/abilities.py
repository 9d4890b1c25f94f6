"""What one open light can do besides ``apply``, looked up once and not at each frame."""

from __future__ import annotations

import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from drivers import base
from drivers.base import Kind, Light

T = TypeVar("T")

LOOK_EVERY_S = 5.0
"""So often a light that can tell is looked after: a busylight goes dark after 15 s without word."""
SELDOM_S = 3600.0
"""So often one that cannot."""


class Abilities:
    """The protocols of :mod:`drivers.base` that a light has; ``None`` for each that it has not."""

    def __init__(self, light: Light, kind: Kind[Any]) -> None:
        self._kind = kind
        self.capable = light if isinstance(light, base.Capable) else None
        self.fading = light if isinstance(light, base.Fading) else None
        self.mendable = light if isinstance(light, base.Mendable) else None
        self.refreshable = light if isinstance(light, base.Refreshable) else None
        self.worded = light if isinstance(light, base.Worded) else None
        self.watchable = light if isinstance(light, base.Watchable) else None
        self._paced = light if isinstance(light, base.Paced) else None
        can_tell = self.refreshable or self.watchable
        self.look_every_s = LOOK_EVERY_S if can_tell else SELDOM_S

    @property
    def shortest_fade_s(self) -> float:
        """Infinite where it can only jump."""
        return self.fading.shortest_fade_s if self.fading else math.inf

    @property
    def interval_s(self) -> float:
        """The shortest time between two writes."""
        return self._paced.min_interval_s if self._paced else self._kind.min_interval_s

    async def answered(self, call: Coroutine[Any, Any, T], most_s: float = math.inf) -> T:
        """What ``call`` of the light returns or raises, within its deadline."""
        within_s = min(most_s, self._kind.deadline_s)
        try:
            return await within(within_s, call)
        except TimeoutError:
            text = f"the light did not answer within {within_s:g} s"
            raise LightUnreachableError(text) from None
