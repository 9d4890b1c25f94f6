"""Restarts a part of the service that failed, and remembers which parts did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bridge.contract.clock import Clock
from bridge.contract.faults import Faults
from bridge.contract.supervised import supervised
from bridge.retry import Random

SHOWN_S = 600.0
"""A part that had an internal error is called failing for so long."""


class Supervision:
    """Runs parts by their names; the bug of one ends no other."""

    def __init__(self, clock: Clock, *, random: Random) -> None:
        self._clock, self._random = clock, random
        self._failed_s: dict[str, float] = {}
        self._faults = Faults()
        self.errors = 0
        """Internal errors since the start."""

    @property
    def failing(self) -> list[str]:
        """Those that failed lately."""
        now_s = self._clock.monotonic()
        return [part for part, at_s in self._failed_s.items() if now_s - at_s < SHOWN_S]

    async def run(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` until it returns, again after an error that nobody foresaw."""
        await supervised(
            work,
            name=part,
            clock=self._clock,
            failed=lambda _: self._failed(part),
            random=self._random,
        )

    def call(self, part: str, function: Callable[[], None]) -> None:
        """Call a ``function`` of ``part``; its bug is not that of the caller."""
        try:
            function()
        except Exception as error:  # noqa: BLE001 - logged there
            self._faults.log(error, part)
            self._failed(part)

    def _failed(self, part: str) -> None:
        self._failed_s[part] = self._clock.monotonic()
        self.errors += 1
