"""What others erase or overwrite of our own topics is back within 120 s, whoever's topic it is."""

from __future__ import annotations

from collections.abc import Iterator

from tests.world.broker import Published
from tests.world.checks.wellness import Wellness
from tests.world.process import Process
from tests.world.world import World

BACK_S = 120.0
ON_THE_WAY_S = 5.0
"""A look in every 2.5 s, and the latency."""


class Erased:
    """Notes whose each topic is, and who spoke there last."""

    def __init__(self, world: World, wellness: Wellness) -> None:
        self._world, self._wellness = world, wellness
        self._owners: dict[str, Process] = {}
        self._said: dict[str, Published] = {}
        """What its owner said last on a topic."""
        self._erased_s: dict[str, float] = {}
        world.broker.watchers.append(self._published)

    def look(self) -> Iterator[str]:
        """What has been wrong for too long, while its owner could do something about it."""
        for topic, at_s in list(self._erased_s.items()):
            owner = self._owners[topic]
            well_s = min(self._world.now_s - at_s, self._wellness.well_s(owner))
            if not self._is_still_ours(topic):
                del self._erased_s[topic]
            elif well_s > BACK_S + ON_THE_WAY_S:
                yield f"{topic} of {owner.name} was erased, and is not back after {well_s:.0f} s"

    def missing(self) -> Iterator[str]:
        """What is not back yet."""
        for topic in self._erased_s:
            if self._is_still_ours(topic):
                yield f"{topic} is not back"

    def own(self) -> list[str]:
        """All topics of ours on which something of ours is stored."""
        stored = (topic for topic, _ in self._world.broker.stored())
        return sorted(topic for topic in stored if topic in self._owners)

    def _is_still_ours(self, topic: str) -> bool:
        """Whether this life of its owner has spoken there, and has a reason to speak again."""
        owner, topics = self._owners[topic], self._world.topics
        if owner.life is None or self._said[topic].at_s < owner.life.began_s:
            return False
        parts = topic.split("/")
        if parts[1] == "account":
            fresh = self._world.broker.retained(topics.account(parts[2], "availability"))
            is_shown = fresh == b"online" or parts[3] not in ("state", "attributes")
            return parts[2] in self._world.followed() and is_shown
        if topic.startswith(f"{topics.discovery_prefix}/") and "_account_" in topic:
            return any(topic == topics.account_config(slug) for slug in self._world.followed())
        if parts[1] == "table":
            return parts[2] in self._world.accounts
        return True

    def _published(self, published: Published) -> None:
        topic = published.topic
        if not published.retain:
            return
        is_others = published.client_id == "somebody" and topic in self._owners
        if is_others and published.payload != self._said[topic].payload:
            self._erased_s.setdefault(topic, published.at_s)
            return
        self._erased_s.pop(topic, None)
        for process in self._world.processes:
            if published.client_id == self._world.client_id(process) and published.payload:
                self._owners[topic], self._said[topic] = process, published
