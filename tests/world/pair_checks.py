"""What must hold for two bridges of one base topic: by what is published, stored and read."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

from bridge.contract.topics import ONLINE, Topics
from tests.world.broker import Published
from tests.world.microsoft import Told
from tests.world.network import Network
from tests.world.world import TABLE, World

DOUBLED_MOST = 1
"""Reads of one person by who served before, while another serves: the one that was under way."""
WRONG_MOST_S = 90.0
"""A person may be shown wrong: until the next read (30 s), then until a silent end is noticed by
the broker (45 s) and its will is said (5 s), and some way."""
UNWILLED_WRONG_S = 60.0 + 180.0
"""The same where the broker has lost the will: until the other hears nothing for 180 s."""


class OneWriter:
    """Facts and leaders come in the order of their epochs, whoever publishes them."""

    def __init__(self, topics: Topics) -> None:
        self._topics, self._epoch = topics, 0
        self.leader: tuple[str, int] = ("", 0)
        self.found: list[str] = []

    def published(self, topic: str, payload: bytes) -> bool:
        """Take a message in the order of arrival; whether another node leads since."""
        if not payload:
            return False
        if topic == self._topics.bridge_leader:
            return self._leads(json.loads(payload))
        if _has_epoch(topic, self._topics.base):
            epoch = json.loads(payload).get("epoch")
            if epoch is not None and epoch < self._epoch:
                self.found.append(f"{topic} of epoch {epoch} after {self._epoch}")
        return False

    def _leads(self, said: dict[str, object]) -> bool:
        before, leader = self.leader, (str(said["node"]), int(str(said["epoch"])))
        if leader[1] < before[1] or (leader[1] == before[1] and leader != before):
            self.found.append(f"{leader} serves after {before}")
        self.leader, self._epoch = leader, max(self._epoch, leader[1])
        return leader[0] != before[0]


def _has_epoch(topic: str, base: str) -> bool:
    is_state = topic.startswith(f"{base}/account/") and topic.endswith("/state")
    return is_state or (topic.startswith(f"{base}/table/") and topic.endswith("/fresh"))


class PairChecks:
    """Watches a world with two bridges; ``found`` is what did not hold.

    ``reads_apart``: it is seen by the name of who leads which one may read.
    """

    def __init__(
        self, world: World, networks: dict[str, Network], *, reads_apart: bool = True
    ) -> None:
        self._world, self.writers = world, OneWriter(world.topics)
        self.found = self.writers.found
        self.doubled_most = 0
        self.wrong_most_s = 0.0
        self.may_be_wrong_s = WRONG_MOST_S
        self._has_read: set[str] = set()
        """Who was read by who leads, since it does."""
        self._doubled: Counter[str] = Counter()
        self._sent: dict[str, bytes] = {}
        """What whoever leads has sent of each who shares their freshness."""
        self._wrong_since_s: dict[str, float] = {}
        world.broker.watchers.append(self._published)
        for node, network in networks.items() if reads_apart else ():
            network.told.append(partial(self._read, node))

    def look(self) -> None:
        """Note who is shown wrong as current, and for how long."""
        world = self._world
        for slug in world.followed():
            if not self._is_wrong(slug):
                self._wrong_since_s.pop(slug, None)
                continue
            wrong_s = world.now_s - self._wrong_since_s.setdefault(slug, world.now_s)
            self.wrong_most_s = max(self.wrong_most_s, wrong_s)
            if wrong_s > self.may_be_wrong_s:
                self.found.append(f"{slug} is shown wrong for {wrong_s:.0f} s")

    def _is_wrong(self, slug: str) -> bool:
        world = self._world
        is_seen = (
            world.broker.up and world.broker.retained(world.topics.bridge_state) == ONLINE.encode()
        )
        return bool(is_seen and self.is_current(slug) and self.stored(slug) != world.shown(slug))

    def is_current(self, slug: str) -> bool:
        """Whether somebody is said to be, by their own topic and by that of a large table."""
        world, topics = self._world, self._world.topics
        fresh = (
            world.broker.retained(topics.table(TABLE, "fresh")) if slug in world.watched else b""
        )
        is_own = world.broker.retained(topics.account(slug, "availability")) == ONLINE.encode()
        return is_own and json.loads(fresh or b"{}").get("state", ONLINE) == ONLINE

    def stored(self, slug: str) -> str:
        """What is stored of somebody, as ``World.shown``."""
        state = self._world.broker.retained(self._world.topics.account(slug, "state"))
        said = json.loads(state or b"{}")
        return f"{said.get('availability')}/{said.get('activity')}"

    def _read(self, node: str, _at_s: float, told: Told, _is_older: bool) -> None:  # noqa: FBT001 - as ``Network.told``
        if node == self.writers.leader[0]:
            self._has_read.add(told.oid)
        elif told.oid in self._has_read:
            self._doubled[told.oid] += 1
            self.doubled_most = max(self.doubled_most, self._doubled[told.oid])
            if self._doubled[told.oid] > DOUBLED_MOST:
                self.found.append(f"{node} reads too, {self._doubled[told.oid]} times")

    def _published(self, published: Published) -> None:
        leader = self.writers.leader
        if self.writers.published(published.topic, published.payload):
            self._has_read.clear()
            self._doubled.clear()
        if self.writers.leader != leader:
            self._sent.clear()
        _, kind, slug, *leaf = [*published.topic.split("/"), "", ""]
        if kind == "account" and slug in self._world.watched and leaf[:1] == ["state"]:
            self._sends(slug, published.payload)

    def _sends(self, slug: str, state: bytes) -> None:
        """Note what is sent of who shares their freshness; a change goes before its turn."""
        said = json.loads(state or b"{}")
        changes = said.get("changed_at") == said.get("polled_at")
        if self._sent.get(slug) == state and not changes:
            self.found.append(f"the state of {slug} is sent twice, and nothing is new in it")
        self._sent[slug] = state
