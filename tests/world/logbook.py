"""Keeps what all processes log. Never prints it by itself."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bridge.logs import TextFormatter
from tests.world.process import LIFE

KEPT = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    at_s: float
    process: str
    level: int
    text: str


class Logbook(logging.Handler):
    """The newest lines, as an administrator would see them; those of the dead are dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.INFO)
        self._loop = loop
        self.setFormatter(TextFormatter(stamped=False))
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.watchers: list[Callable[[Line], None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        life = LIFE.get()
        if life is None or life.killed:
            return
        line = Line(
            self._loop.time(),
            life.name,
            record.levelno,
            self.format(record),
        )
        self.lines.append(line)
        for watch in self.watchers:
            watch(line)
