"""Keeps what all processes log. Never prints it by itself."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.config.logs import TextFormatter
from tests.world.process import LIFE

KEPT = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    at_s: float
    process: str
    level: int
    text: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.at_s:8.1f} {self.process} {self.text}"


class Logbook(logging.Handler):
    """The newest lines, as an administrator would see them; those of the dead are dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path) -> None:
        super().__init__(logging.INFO)
        self._loop, self._folder = loop, f"{folder}/"
        self.setFormatter(TextFormatter(stamped=False))
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.watchers: list[Callable[[Line], object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        life = LIFE.get()
        if life is None or life.killed:
            return
        line = Line(
            self._loop.time(),
            life.name,
            record.levelno,
            self.format(record).replace(self._folder, ""),  # it has another name in each run
        )
        self.lines.append(line)
        for watch in self.watchers:
            watch(line)
