"""No request is sent before a ``Retry-After`` has passed, and never more than the budget."""

from __future__ import annotations

from collections.abc import Iterator

from tests.world.world import World

MOST = 1500
"""In 30 seconds."""


class Silence:
    """Looks at what was sent."""

    def __init__(self, world: World) -> None:
        self._network = world.network

    def look(self) -> Iterator[str]:
        """What was sent and should not have been."""
        yield from self._network.broken
        self._network.broken.clear()
        if len(self._network.window) > MOST:
            yield f"{len(self._network.window)} requests in 30 s"
