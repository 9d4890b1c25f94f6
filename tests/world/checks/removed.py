"""Nobody who was removed is on the bus, once the bridge has been connected for a while."""

from __future__ import annotations

from collections.abc import Iterator

from tests.world.checks.wellness import Wellness
from tests.world.world import World

CLEARED_S = 60.0
"""A start waits a little between the two steps of a removal, and then looks for leftovers."""


class Removed:
    """Looks at everything that is stored."""

    def __init__(self, world: World, wellness: Wellness) -> None:
        self._world, self._wellness = world, wellness
        self._left_s: dict[str, float] = {}

    def look(self) -> Iterator[str]:
        """Who is there and should not be."""
        world, followed = self._world, self._world.followed()
        for slug in (*world.named, *world.watched):
            if slug in followed:
                self._left_s.pop(slug, None)
            else:
                self._left_s.setdefault(slug, world.now_s)
        if self._wellness.well_s(world.bridge) < CLEARED_S:
            return
        gone = {slug for slug, at_s in self._left_s.items() if world.now_s - at_s > CLEARED_S}
        for topic, _ in world.broker.stored():
            for slug in gone:
                if topic.startswith(f"{world.topics.base}/account/{slug}/"):
                    yield f"{slug} was removed, and {topic} is still stored"
                elif topic == world.topics.account_config(slug):
                    yield f"{slug} was removed, and is still announced to Home Assistant"
