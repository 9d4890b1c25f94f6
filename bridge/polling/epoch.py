"""The number that orders facts before their times do. It never goes down, also over restarts.

It counts up at each start and each time that the wall clock is set back. It is no time: it begins
at the clock's seconds only so that a lost file does not make it smaller.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Self

from bridge.config.state_file import StateFile
from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

MOST = 2**53 - 1
"""The greatest whole number that every reader of JSON takes exactly."""


class Epoch:
    """The epoch of one bridge, stored in ``file``."""

    def __init__(self, value: int, *, file: StateFile, now: datetime) -> None:
        self.value = value
        self._file, self._newest = file, now

    @classmethod
    def begun(cls, file: Path, clock: Clock) -> Self:
        """The one of a new start: greater than the last, and than any in a lost file."""
        now = clock.now()
        value = min(MOST, max(_read(file) + 1, int(now.timestamp())))
        epoch = cls(value, file=StateFile(file), now=now)
        epoch._save()
        return epoch

    def at(self, now: datetime) -> int:
        """The epoch of facts at ``now``; another one when the clock was set back."""
        if now < self._newest:
            self._count_to(self.value + 1)
        self._newest = now
        return self.value

    def raise_above(self, seen: int) -> bool:
        """Be greater than ``seen``, which somebody else published; whether that was needed."""
        if not self.value <= seen < MOST:
            return False
        self._count_to(seen + 1)
        return True

    def next_above(self, seen: int) -> int:
        """Count up, at least above ``seen``."""
        self._count_to(max(self.value, seen) + 1)
        return self.value

    async def close(self) -> None:
        """Wait, not for long, until it is stored."""
        await self._file.close()

    def _count_to(self, value: int) -> None:
        self.value = min(MOST, value)
        self._save()

    def _save(self) -> None:
        self._file.save(str(self.value))


def _read(file: Path) -> int:
    try:
        return max(0, min(MOST, int(file.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        log.warning("%s cannot be read: continuing from the clock", file)
        return 0
