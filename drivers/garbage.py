"""Tells what on a topic could not be read: each kind once, and again after something good."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

_MOST_TOPICS, _MOST_KINDS = 1000, 10
"""Who can publish must not be able to fill the log or the memory."""


class Garbage:
    """What has been told already."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}

    def found(self, topic: str, what: object) -> None:
        """Something on ``topic`` could not be read, because of ``what``."""
        kinds = self._told.get(topic)
        if kinds is None and len(self._told) < _MOST_TOPICS:
            kinds = self._told[topic] = set()
        if kinds is not None and str(what) not in kinds and len(kinds) < _MOST_KINDS:
            kinds.add(str(what))
            log.warning("ignored what is on %s: %s", topic, what)

    def good(self, topic: str) -> None:
        """Something on ``topic`` could be read."""
        self._told.pop(topic, None)
