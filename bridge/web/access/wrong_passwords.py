"""How long an address waits after wrong passwords; time forgives them one by one."""

from __future__ import annotations

from collections import OrderedDict

from bridge.contract.clock import Clock
from bridge.web.serving.addresses import source_of

FREE = 5
"""Wrong guesses before any waiting."""
FIRST_S, MOST_S = 2.0, 900.0
FORGIVEN_S = 900.0
"""After each so long without a wrong guess, one of them is forgiven."""
MOST = 14
"""Guesses that count: with so many the wait is the longest."""
REMEMBERED = 2_000
"""Addresses; the oldest are forgotten."""


class WrongPasswords:
    """Counts wrong guesses an address; the wait doubles with each, up to a quarter of an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until ``address`` may guess again; 0 when it may now."""
        _, until_s = self._wrong.get(source_of(address), (0, 0.0))
        return max(0.0, until_s - self._clock.monotonic())

    def count(self, address: str) -> int:
        """Count one more of ``address``; how many are not forgiven yet."""
        source, now_s = source_of(address), self._clock.monotonic()
        before, until_s = self._wrong.pop(source, (0, now_s))
        forgiven = int(max(0.0, now_s - until_s) // FORGIVEN_S)
        count = min(MOST, max(0, before - forgiven) + 1)
        over = count - FREE
        wait = min(MOST_S, FIRST_S * 2.0**over) if over >= 0 else 0.0
        self._wrong[source] = (count, now_s + wait)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
        return count

    def forget(self, address: str) -> None:
        """The password was given: forget what was wrong before."""
        self._wrong.pop(source_of(address), None)
