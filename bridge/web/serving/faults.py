"""Logs errors that nobody foresaw, each kind once with its traceback."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

KINDS = 100
"""Kinds that are remembered; more come from one place with many faces."""


class Faults:
    """Those of one page."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str, int]] = set()

    def log(self, error: Exception, what: str) -> None:
        """Log ``error`` of ``what``, unless one like it was logged before."""
        kind = _kind(error)
        if kind in self._logged or len(self._logged) >= KINDS:
            return
        self._logged.add(kind)
        log.error("%s: internal error; please report this", what, exc_info=error)


def _kind(error: Exception) -> tuple[str, str, int]:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    file = place.tb_frame.f_code.co_filename if place else ""
    return type(error).__name__, file, place.tb_lineno if place else 0
