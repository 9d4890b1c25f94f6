"""What is wrong with a light: told once when it is lost and once when it is back. Never waits."""

from __future__ import annotations

import logging

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.retry import Random, full_jitter

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0
REFUSED_S = 60.0
"""Wait after a light refused: a person must act."""


class Trouble:
    """The trouble that one light is in, if any."""

    def __init__(self, name: str, random: Random) -> None:
        self._name, self._random = name, random
        self._told: set[str] = set()
        self._attempt = 0
        self.refused = False
        """A person must act."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._told)

    def lost(self, error: Exception) -> float:
        """Tell ``error`` where that is news; return the seconds until the next try.

        For what a person must mend is news although the light was away before.
        """
        self.refused = isinstance(error, LightRefusedError)
        attempt, self._attempt = self._attempt, self._attempt + 1
        if isinstance(error, LightRefusedError):
            if self._is_news(str(error)):
                log.error("%s: %s (tried again every %.0f s)", self._name, error, REFUSED_S)
            return REFUSED_S
        if not isinstance(error, LightUnreachableError):
            if self._is_news(type(error).__name__):
                log.error(
                    "%s: internal error, tried again; please report this",
                    self._name,
                    exc_info=error,
                )
        elif not self._told:
            self._told.add("away")
            log.warning("%s: %s; trying again until it is back", self._name, error)
        asked_s = getattr(error, "retry_after_s", None)
        if asked_s is not None:
            return float(asked_s)
        return full_jitter(attempt, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S, random=self._random)

    def back(self) -> None:
        """The light answers."""
        if self._told:
            log.info("%s: the light is back", self._name)
        self._told.clear()
        self._attempt, self.refused = 0, False

    def _is_news(self, text: str) -> bool:
        news = text not in self._told
        self._told.add(text)
        return news
