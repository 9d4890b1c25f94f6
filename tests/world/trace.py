"""A number for all that happened, to see whether two runs were the same. Never judges."""

from __future__ import annotations

from zlib import crc32

from tests.world.broker import Published
from tests.world.logbook import Line
from tests.world.world import World


class Trace:
    """Hears every publish and every line of a log."""

    def __init__(self, world: World) -> None:
        self.digest = 0
        world.broker.watchers.append(self._published)
        world.logbook.watchers.append(self._logged)

    def _published(self, published: Published) -> None:
        self._add(f"{published.at_s:.6f} {published.client_id} {published.topic}".encode())
        self._add(published.payload)

    def _logged(self, line: Line) -> None:
        self._add(f"{line.at_s:.6f} {line.process} {line.text}".encode())

    def _add(self, data: bytes) -> None:
        self.digest = crc32(data, self.digest)
