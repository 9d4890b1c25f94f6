"""Nothing goes to the broker above a limit that it has announced."""

from __future__ import annotations

from collections.abc import Iterator

from tests.world.world import World


class Announced:
    """Reads what the broker found."""

    def __init__(self, world: World) -> None:
        self._breaches = world.broker.breaches

    def look(self) -> Iterator[str]:
        """What went above a limit since the last look."""
        yield from self._breaches
        self._breaches.clear()
