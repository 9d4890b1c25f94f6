"""How many publishes are on their way at once: more over a long link, few to a slow broker.

What is on its way goes before a change that comes meanwhile, so it is no more than the link takes
in about twice the time of a few.
"""

from __future__ import annotations

from math import inf

WINDOW = 20
"""At first, and at the least: a flood of discovery drowns small brokers."""
MOST = 500
BYTES_MOST = 128 * 1024
"""Of payload on its way at once, if more than ``WINDOW``."""
SLOW_S, LONG_S = 0.5, 0.05
"""A round that takes so long is not made longer, not even over a long link; one that takes longer
than it must is halved, since a change waits for it."""


class Window:
    """The size of one round: what is sent together, and acknowledged before the next."""

    def __init__(self) -> None:
        self.size = WINDOW
        self._most, self._quickest_s, self._sending = MOST, inf, 0

    def begin(self) -> None:
        """On a new connection. Of a round that the last one did not survive, half is dared."""
        if self._sending > WINDOW:
            self._most = max(WINDOW, self._sending // 2)
        self.size, self._quickest_s, self._sending = WINDOW, inf, 0

    def sending(self, messages: int) -> None:
        """A round goes out."""
        self._sending = messages

    def took(self, seconds: float) -> None:
        """All of it was acknowledged."""
        is_full, self._sending = self._sending >= self.size, 0
        if not is_full:
            return
        self._quickest_s = min(self._quickest_s, seconds)
        if seconds <= min(2 * self._quickest_s, SLOW_S):
            self.size = min(2 * self.size, self._most)
        elif seconds > max(4 * self._quickest_s, LONG_S):
            self.size = max(self.size // 2, WINDOW)
