"""Logs what on a topic cannot be read: each reason once, and again after something readable."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bridge.contract.errors import ContractError

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_TOPICS, _MOST_REASONS = 1000, 10
"""Who can publish must not be able to fill the log or the memory."""


class UnreadableMessages:
    """Which reasons are in the log already, by topic."""

    def __init__(self) -> None:
        self._logged: dict[str, set[str]] = {}

    def read(self, topic: str, read: Callable[[], T]) -> T | None:
        """What ``read`` makes of a message on ``topic``; ``None`` where it cannot be read."""
        try:
            found = read()
        except ContractError as error:
            self._ignored(topic, str(error))
            return None
        self._logged.pop(topic, None)
        return found

    def _ignored(self, topic: str, why: str) -> None:
        reasons = self._logged.get(topic)
        if reasons is None and len(self._logged) < _MOST_TOPICS:
            reasons = self._logged[topic] = set()
        if reasons is not None and why not in reasons and len(reasons) < _MOST_REASONS:
            reasons.add(why)
            log.warning("ignored what is on %s: %s", topic, why)
