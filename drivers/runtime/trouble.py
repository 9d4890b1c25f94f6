"""Logs what is wrong with a light: once when it is lost and once when it is back.

A light that comes and goes, as on a loose plug, is one piece of news until it has stayed.
"""

from __future__ import annotations

import logging
import math

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.retry import Random, full_jitter
from bridge.contract.supervised import Faults

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0
REFUSED_S = 60.0
"""Wait after a light refused: a person must act."""
STEADY_S = 60.0
"""A light that is lost again within this time comes and goes; one that stays so long is back."""


class Trouble:
    """The trouble that one light is in, if any."""

    def __init__(self, name: str, random: Random, clock: Clock) -> None:
        self._name, self._random, self._clock = name, random, clock
        self._logged: set[str] = set()
        self._faults = Faults()
        self._attempt = 0
        self._back_s = -math.inf
        self._flaps = False
        self.refused = False
        """A person must act."""

    def __bool__(self) -> bool:
        return bool(self._logged)

    def lost(self, error: Exception) -> float:
        """Log ``error`` where that is news; return the seconds until the next try.

        For what a person must mend is news although the light was away before.
        """
        self.refused = isinstance(error, LightRefusedError)
        attempt, self._attempt = self._attempt, self._attempt + 1
        if isinstance(error, LightRefusedError):
            if str(error) not in self._logged:
                log.error("%s: %s (tried again every %.0f s)", self._name, error, REFUSED_S)
            self._logged.add(str(error))
            return REFUSED_S
        if not isinstance(error, LightUnreachableError):
            self._logged.add("bug")
            self._faults.log(error, self._name, ", tried again")
        elif not self._logged:
            self._logged.add("away")
            self._log_lost(error)
        asked_s = getattr(error, "retry_after_s", None)
        if asked_s is not None:
            return float(asked_s)
        return full_jitter(attempt, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S, random=self._random)

    def back(self) -> None:
        """The light answers."""
        now_s = self._clock.monotonic()
        if self._logged:
            self._back_s = now_s
            if not self._flaps:
                log.info("%s: the light is back", self._name)
        elif self._flaps and now_s - self._back_s >= STEADY_S:
            self._flaps = False
            log.info("%s: the light is back", self._name)
        self._logged.clear()
        self._faults = Faults()
        self._attempt, self.refused = 0, False

    def _log_lost(self, error: Exception) -> None:
        if self._flaps:
            return
        self._flaps = self._clock.monotonic() - self._back_s < STEADY_S
        if self._flaps:
            text = "%s: it comes and goes (%s); told again when it has stayed for a minute"
            log.warning(text, self._name, error)
        else:
            log.warning("%s: %s; trying again until it is back", self._name, error)
