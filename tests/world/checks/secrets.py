"""No token and no device code is ever on the bus or in a log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.world.broker import Published
from tests.world.logbook import Line
from tests.world.world import World

SECRET = re.compile(rb"1\.A[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}|\bD[\w-]{60,}")
"""Refresh tokens, access tokens and device codes, as the simulated Microsoft makes them."""


class Secrets:
    """Reads all that is published and logged."""

    def __init__(self, world: World) -> None:
        self._found: list[str] = []
        world.broker.watchers.append(self._published)
        world.logbook.watchers.append(self._logged)

    def look(self) -> Iterator[str]:
        """What was found since the last look."""
        yield from self._found
        self._found.clear()

    def _published(self, published: Published) -> None:
        if SECRET.search(published.payload):
            self._found.append(f"a secret on {published.topic}")

    def _logged(self, line: Line) -> None:
        if SECRET.search(line.text.encode()):
            self._found.append(f"a secret in the log of {line.process}: {line.text}")
