"""How far the first facts of somebody of a large table are."""

from __future__ import annotations

from enum import Enum, auto


class FirstFacts(Enum):
    """From a start on, until they were sent."""

    UNREAD = auto()
    WAIT = auto()
    SENT = auto()
