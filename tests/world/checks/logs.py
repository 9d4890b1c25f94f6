"""One line when something is lost and one when it is back; nobody's bug is ever logged."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator

from tests.world.logbook import Line
from tests.world.world import World

OFTEN = 8
"""The same line so often in one story is a line a try."""
PERIOD_S = 300.0
_NUMBER = re.compile(r"[\d.:]+")


class Logs:
    """Reads every line."""

    def __init__(self, world: World) -> None:
        self._seen: Counter[tuple[str, int, str]] = Counter()
        self._found: list[str] = []
        world.logbook.watchers.append(self._logged)

    def look(self) -> Iterator[str]:
        """What was found since the last look."""
        yield from self._found
        self._found.clear()

    def _logged(self, line: Line) -> None:
        if "Traceback" in line.text or "internal error" in line.text:
            self._found.append(f"{line.process} has a bug: {line.text}")
        if line.level < logging.WARNING:
            return
        key = line.process, int(line.at_s // PERIOD_S), _NUMBER.sub("#", line.text)
        self._seen[key] += 1
        if self._seen[key] == OFTEN:
            self._found.append(f"{line.process} says it for the {OFTEN}th time: {line.text}")
