"""Restarts work that ended with an error which nobody foresaw; logs each kind of them once.

One account's bug is one account's outage: who runs beside it does not notice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from random import random as _random

from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 1.0, 300.0
CALM_S = 600.0
"""Work that ran this long before it failed is started again without a longer wait."""
SHOWN_S = 600.0
"""A part that had an internal error is called failing for so long."""
KINDS = 100
"""Kinds that are remembered; more come from one place with many faces."""


async def supervised(
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    clock: Clock,
    failed: Callable[[Exception], None] = lambda _: None,
    random: Callable[[], float] = _random,
) -> None:
    """Run ``work`` until it returns; after an error call ``failed``, wait, and run it again.

    The traceback is logged once for each kind of error. A cancellation is honoured at once.
    """
    faults, attempt = Faults(), 0
    while True:
        began_s = clock.monotonic()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - logged there
            faults.log(error, name, ", started again")
            failed(error)
        attempt = 0 if clock.monotonic() - began_s >= CALM_S else attempt + 1
        step_s = min(MOST_S, FIRST_S * 2.0 ** min(attempt, 16))
        await clock.sleep(step_s * (0.5 + random() / 2))


class Supervision:
    """Runs parts by their names; the bug of one ends no other."""

    def __init__(self, clock: Clock, *, random: Callable[[], float]) -> None:
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


class Faults:
    """Those of one part; errors of one class from one line are of one kind."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str, int]] = set()

    def log(self, error: BaseException, part: str, then: str = "") -> None:
        """Log ``error`` of ``part``, and what was done ``then``, if its kind is news."""
        kind = _kind(error)
        if kind in self._logged or len(self._logged) >= KINDS:
            return
        self._logged.add(kind)
        log.error("%s: internal error%s; please report this", part, then, exc_info=error)


def _kind(error: BaseException) -> tuple[str, str, int]:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    file = place.tb_frame.f_code.co_filename if place else ""
    return type(error).__name__, file, place.tb_lineno if place else 0
