"""Logs what on a topic cannot be read: each reason once, and again after something readable."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

_MOST_TOPICS, _MOST_REASONS = 1000, 10
"""Who can publish must not be able to fill the log or the memory."""


class UnreadableMessages:
    """Which reasons are in the log already, by topic."""

    def __init__(self) -> None:
        self._logged: dict[str, set[str]] = {}

    def ignored(self, topic: str, why: object) -> None:
        """A message on ``topic`` is ignored."""
        reasons = self._logged.get(topic)
        if reasons is None and len(self._logged) < _MOST_TOPICS:
            reasons = self._logged[topic] = set()
        if reasons is not None and str(why) not in reasons and len(reasons) < _MOST_REASONS:
            reasons.add(str(why))
            log.warning("ignored what is on %s: %s", topic, why)

    def readable(self, topic: str) -> None:
        """A message on ``topic`` could be read."""
        self._logged.pop(topic, None)
