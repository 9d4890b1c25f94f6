"""When nothing is wrong any more all is right again: everybody, everything, without help."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bridge.contract.topics import ONLINE
from tests.world.checks.lamps import Lamps
from tests.world.world import Lamp, World


class Right:
    """What is not right yet."""

    def __init__(self, world: World, lamps: Lamps) -> None:
        self._world, self._lamps = world, lamps

    def look(self) -> Iterator[str]:
        """All that is not as it should be."""
        world, topics = self._world, self._world.topics
        if world.broker.retained(topics.bridge_state) != ONLINE.encode():
            yield "the bridge is not told online"
        for slug in world.followed():
            yield from self._person(slug)
        yield from self._strangers()
        for lamp in world.lamps:
            name = lamp.process.name
            for topic in (topics.driver_state(name), topics.light(name, "availability")):
                if world.broker.retained(topic) != ONLINE.encode():
                    yield f"{topic} is not online"
            problem = self._lamps.problem(lamp, exactly=True)
            if problem and not self._lamps.may_be_left(lamp):
                yield problem
            if not self.follows(lamp):
                yield f"{name} does not follow presence"
            if world.options.homeassistant and not world.broker.retained(topics.light_config(name)):
                yield f"{name} is not announced to Home Assistant"

    def follows(self, lamp: Lamp) -> bool:
        """Whether presence decides what a lamp shows, as it says itself."""
        topic = self._world.topics.light(lamp.process.name, "rule")
        rule = json.loads(self._world.broker.retained(topic) or b"{}")
        return bool(rule.get("mode") == "follow")

    def _person(self, slug: str) -> Iterator[str]:
        world, topics = self._world, self._world.topics
        wanted = world.shown(slug)
        state = json.loads(world.broker.retained(topics.account(slug, "state")) or b"{}")
        shown = f"{state.get('availability')}/{state.get('activity')}"
        if shown != wanted:
            yield f"{slug} is {wanted}, and {shown} is retained"
        if world.broker.retained(topics.account(slug, "availability")) != ONLINE.encode():
            yield f"{slug} is not told current"
        if table := state.get("table"):
            fresh = json.loads(world.broker.retained(topics.table(table, "fresh")) or b"{}")
            if fresh.get("state") != ONLINE:
                yield f"{table}, which {slug} is in, is not told current"
        auth = json.loads(world.broker.retained(topics.account(slug, "auth")) or b"{}")
        if auth.get("state") != "signed_in":
            yield f"{slug} is {auth.get('state')}"
        if world.options.homeassistant and not world.broker.retained(topics.account_config(slug)):
            yield f"{slug} is not announced to Home Assistant"

    def _strangers(self) -> Iterator[str]:
        world, followed = self._world, self._world.followed()
        begin = f"{world.topics.base}/account/"
        for topic, _ in world.broker.stored(f"{begin}+/+"):
            slug = topic.removeprefix(begin).partition("/")[0]
            if slug not in followed:
                yield f"{slug} is not followed, and {topic} is stored"
