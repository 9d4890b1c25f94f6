"""Logs errors that nobody foresaw: each kind once with its traceback, however often it comes."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

KINDS = 100
"""Kinds that are remembered; more come from one place with many faces."""


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
