"""What is retained about a person is what Microsoft said, or it is told stale in time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from bridge.contract.topics import ONLINE
from bridge.contract.wire import AccountState, TableFresh, decode
from tests.world.broker import Published
from tests.world.checks.wellness import Wellness
from tests.world.microsoft import Told, snake
from tests.world.world import World

CURRENT_S = 300.0
"""So long after the last good poll may presence be told as current."""
GONE_S = 45.0 + 5.0
"""A silent bridge is noticed by the broker's keepalive, and its will is published after a delay."""
SOON_S = 20.0
"""From an answer of Microsoft's to the broker, on a way that is well."""
WELL_S = 45.0
BEAT_S = 150.0
"""What others overwrote is right again."""
REFUSED_S = 330.0
"""What the broker refused is sent again after so long at the most."""


@dataclass(frozen=True, slots=True)
class _Answer:
    at_s: float
    value: str
    older: bool


class Truth:
    """Compares states with the answers that reached the bridge."""

    def __init__(self, world: World, wellness: Wellness) -> None:
        self._world, self._wellness = world, wellness
        self._told: dict[str, deque[_Answer]] = defaultdict(lambda: deque(maxlen=400))
        self._overwritten: dict[str, float] = {}
        world.network.told.append(self._note)
        world.broker.watchers.append(self._published)

    def look(self) -> Iterator[str]:
        """What is wrong now."""
        world = self._world
        if self._wellness.refused_s(world.bridge) < REFUSED_S:
            return
        is_online = world.broker.retained(world.topics.bridge_state) == ONLINE.encode()
        # a broker that came back with its memory cannot know that the bridge is dead
        if is_online and world.broker.is_linked(world.client_id(world.bridge)):
            for slug, person in world.followed().items():
                yield from self._account(slug, self._told[person.oid])

    def _account(self, slug: str, told: deque[_Answer]) -> Iterator[str]:
        world, topics = self._world, self._world.topics
        if world.now_s - self._overwritten.get(slug, float("-inf")) < BEAT_S:
            return
        if world.broker.retained(topics.account(slug, "availability")) != ONLINE.encode():
            return
        payload = world.broker.retained(topics.account(slug, "state"))
        if not payload:
            return
        state = decode(AccountState, payload)
        if state.table and not self._is_online(state.table):
            return
        shown = f"{state.availability}/{state.activity}"
        now_s, slack_s = world.now_s, world.bridge.clock.stepped_back_s + GONE_S + SOON_S
        recent = _since(now_s - CURRENT_S - slack_s, told)
        if not recent:
            age_s = now_s - told[-1].at_s if told else now_s
            yield f"{slug}: {shown} is told current, and Microsoft last answered {age_s:.0f} s ago"
        elif all(answer.value != shown for answer in recent):
            newest = recent[0].value
            yield f"{slug}: {shown} is told current, and Microsoft does not say so: {newest}"
        elif self._wellness.well_s(world.bridge) > WELL_S:
            yield from self._newest(slug, shown, told)

    def _is_online(self, table: str) -> bool:
        """Whether a large table is told current."""
        fresh = self._world.broker.retained(self._world.topics.table(table, "fresh"))
        return fresh is not None and decode(TableFresh, fresh).state == ONLINE

    def _newest(self, slug: str, shown: str, told: deque[_Answer]) -> Iterator[str]:
        """On a way that is well the newest answer is there soon."""
        now_s, value = self._world.now_s, told[-1].value
        soon = _since(now_s - SOON_S, told)
        steady = all(answer.value == value for answer in soon)
        steady = steady and any(now_s - answer.at_s > SOON_S / 2 for answer in soon)
        if not steady or shown == value:
            return
        if not any(answer.older for answer in _since(now_s - 2 * CURRENT_S, told)):
            yield f"{slug}: {shown} is retained, and Microsoft has said {value} for {SOON_S:.0f} s"

    def _published(self, published: Published) -> None:
        """Another hand on our topics is answered within a beat."""
        parts = published.topic.split("/")
        if published.client_id == "somebody" and parts[1:2] == ["account"]:
            self._overwritten[parts[2]] = published.at_s

    def _note(self, at_s: float, told: Told, is_older: bool) -> None:  # noqa: FBT001 - a listener
        value = f"{snake(told.availability)}/{snake(told.activity)}"
        self._told[told.oid].append(_Answer(at_s, value, is_older))


def _since(moment_s: float, told: deque[_Answer]) -> list[_Answer]:
    """The newest answers, the newest first."""
    return list(takewhile(lambda answer: answer.at_s > moment_s, reversed(told)))
