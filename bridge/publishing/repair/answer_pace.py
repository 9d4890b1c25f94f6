"""How fast those are answered who overwrite our topics: slowly, when they do it often."""

from __future__ import annotations

import logging
from collections import deque

from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

MANY, WITHIN_S = 10, 900.0
"""So many answers in so long a time are no accident."""
SLOW_S = 60.0
"""Between two answers from then on; still within a beat."""


class AnswerPace:
    """Counts answers; ``pause_s`` lies between two of them, as long as they are few."""

    def __init__(self, pause_s: float, *, base: str, clock: Clock) -> None:
        self._pause_s, self._base, self._clock = pause_s, base, clock
        self._answered_s: deque[float] = deque(maxlen=MANY)
        self._warned = False

    def answered(self, topic: str) -> float:
        """Count an answer on ``topic``; the seconds until the next one."""
        now_s = self._clock.monotonic()
        self._answered_s.append(now_s)
        if len(self._answered_s) < MANY or now_s - self._answered_s[0] > WITHIN_S:
            self._warned = False
            return self._pause_s
        if not self._warned:
            self._warned = True
            log.warning(
                "somebody else keeps writing on %s: look for a second bridge with base_topic %r, "
                "or another program; it is answered once a minute now",
                topic,
                self._base,
            )
        return SLOW_S
