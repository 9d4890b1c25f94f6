"""What a bridge says about somebody never goes back: (epoch, polled_at) only grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from tests.world.broker import Published
from tests.world.world import World


class Order:
    """Reads every state that the bridge publishes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: dict[str, tuple[int, datetime]] = {}
        self._found: list[str] = []
        world.broker.watchers.append(self._published)

    def look(self) -> Iterator[str]:
        """What went back since the last look."""
        yield from self._found
        self._found.clear()

    def _published(self, published: Published) -> None:
        topic, world = published.topic, self._world
        if not topic.endswith("/state") or not topic.startswith(f"{world.topics.base}/account/"):
            return
        if published.client_id != world.client_id(world.bridge) or not published.payload:
            return
        state = json.loads(published.payload)
        if state.get("epoch") is None or state["polled_at"] is None:
            return
        order = int(state["epoch"]), datetime.fromisoformat(state["polled_at"])
        before = self._last.get(topic)
        if before is not None and order < before:
            self._found.append(f"{topic} went back from {before} to {order}")
        self._last[topic] = order
