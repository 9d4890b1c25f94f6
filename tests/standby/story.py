"""Random faults on one real pair, and what must hold all the time."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import pairwise
from random import Random

from bridge.contract.topics import OFFLINE, ONLINE
from tests.standby.pair import NODES, SLUG, Heard, Node, Pair
from tests.world.microsoft import snake
from tests.world.pair_checks import DOUBLED_MOST, OneWriter

TICK_S = 0.25
TAKEOVER_S = 30.0
"""From the will of who served to ``online``."""
SLACK_S = 15.0
"""For a machine that has much else to do."""
RIGHT_S = 400.0
"""Most of it is for the start of a program on a machine that has much else to do."""
STATES = [("Available", "Available"), ("Busy", "InACall"), ("Away", "Away"), ("Busy", "InAMeeting")]
FAULTS = ("kill", "stop", "freeze", "cut", "reset", "slow", "both", "broker")
Undo = Callable[[], Awaitable[None]]


class Story:
    """``found`` is what did not hold; ``silent_s`` is when the broker gives up who is silent."""

    def __init__(self, pair: Pair, random: Random, *, silent_s: float) -> None:
        self._pair, self._random = pair, random
        self._writers = OneWriter(pair.topics)
        self._seen = 0
        self._will_s: float | None = None
        self._wrong_since_s: float | None = None
        self._wrong_most_s = silent_s + 5.0 + SLACK_S
        self._terms: list[tuple[float, str]] = []
        """Since when each node led."""
        self._began_s = time.monotonic()
        self._fault, self._fault_s = "", self._began_s
        self.found = self._writers.found
        self.done: list[str] = []
        self.takeovers: list[tuple[str, float, float]] = []
        """What had happened; seconds from the will, and from the fault, to ``online``."""
        self.wrong_s = 0.0
        self.doubled = 0

    async def play(self, faults: int, *, only: tuple[str, ...] = FAULTS, lasts_s: float) -> None:
        """Start both, and let ``faults`` things happen, each to its end."""
        random = self._random
        for node in self._pair.nodes.values():
            node.start()
        await self._until_right("at the start")
        for _ in range(faults):
            if not self.found:
                who = self._writers.leader[0] if random.random() < 0.7 else random.choice(NODES)
                await self.suffer(random.choice(only), who, random.uniform(0.5, lasts_s))
        self.doubled = max(self._doubled(), default=0)
        if self.doubled > DOUBLED_MOST:
            self.found.append(f"{self.doubled} reads by who served before")

    async def serve(self, first: str) -> None:
        """Start both; ``first`` serves, and the other waits."""
        for node in sorted(self._pair.nodes.values(), key=lambda node: node.name != first):
            node.start()
            await self._until_right("at the start")

    async def suffer(self, what: str, who: str, lasts_s: float) -> None:
        """Let one of ``FAULTS`` happen, and wait until all is right after it."""
        self._fault, self._fault_s = what, time.monotonic()
        self.done.append(f"{what} {who} {lasts_s:.0f} s")
        undo = await self._begin(what, self._pair.nodes[who])
        ends_s = time.monotonic() + lasts_s
        while time.monotonic() < ends_s:
            if self._random.random() < 0.02:
                self._change()
            await self._tick()
        self._change()
        await undo()
        await self._until_right(f"after {self.done[-1]}")

    @property
    def leaders(self) -> list[tuple[str, float]]:
        """Who led, in order, and since when."""
        return [(node, since_s) for since_s, node in self._terms]

    async def _begin(self, what: str, node: Node) -> Undo:
        if what in ("kill", "stop", "both"):
            return await self._end(what, node)
        if what == "freeze":
            node.send(signal.SIGSTOP)
            return _later(node.send, signal.SIGCONT)
        if what == "cut":
            node.relay.cut()
            return _later(node.relay.mend)
        if what == "slow":
            node.relay.each_s = 0.3
            return _later(setattr, node.relay, "each_s", 0.0)
        if what == "reset":
            node.relay.reset()
            return _later(lambda: None)
        self._pair.broker.stop(signal.SIGKILL)
        return self._pair.broker.start

    async def _end(self, what: str, node: Node) -> Undo:
        hit = list(self._pair.nodes.values()) if what == "both" else [node]
        for each in hit:
            await each.end(signal.SIGTERM if what == "stop" else signal.SIGKILL)

        async def start() -> None:
            for each in hit:
                each.start()

        return start

    def _change(self) -> None:
        state = self._random.choice(STATES)
        self._pair.office.directory.change(self._pair.person, *state)

    async def _tick(self) -> None:
        await asyncio.sleep(TICK_S)
        log = self._pair.listener.log
        for heard in log[self._seen :]:
            if not heard.retain:
                self._on_message(heard)
        self._seen = len(log)
        self._look(time.monotonic())

    def _on_message(self, heard: Heard) -> None:
        if self._writers.published(heard.topic, heard.payload):
            self._terms.append((heard.at_s, self._writers.leader[0]))
        if heard.topic != self._pair.topics.bridge_state:
            return
        if heard.payload == OFFLINE.encode():
            self._will_s = heard.at_s
        elif self._will_s is not None:
            took_s, self._will_s = heard.at_s - self._will_s, None
            if self._fault not in ("both", "broker"):
                self.takeovers.append((self._fault, took_s, heard.at_s - self._fault_s))
                if took_s > TAKEOVER_S + SLACK_S:
                    self.found.append(f"online {took_s:.1f} s after the will")

    def _look(self, now_s: float) -> None:
        """Note for how long somebody is shown wrong as current."""
        stored, topics = self._pair.listener.stored, self._pair.topics
        serves = stored.get(topics.bridge_state) == ONLINE.encode()
        is_current = stored.get(topics.account(SLUG, "availability")) == ONLINE.encode()
        if not (serves and is_current) or self._is_right():
            self._wrong_since_s = None
            return
        self._wrong_since_s = self._wrong_since_s or now_s
        self.wrong_s = max(self.wrong_s, now_s - self._wrong_since_s)
        if self.wrong_s > self._wrong_most_s:
            self.found.append(f"{SLUG} is shown wrong for {self.wrong_s:.0f} s")

    def _is_right(self) -> bool:
        state = self._pair.listener.stored.get(self._pair.topics.account(SLUG, "state"))
        said = json.loads(state or b"{}")
        shown = self._pair.office.directory.facts_of(self._pair.person).shown
        return (said.get("availability"), said.get("activity")) == (
            snake(shown.availability),
            snake(shown.activity),
        )

    async def _until_right(self, when: str) -> None:
        ends_s = time.monotonic() + RIGHT_S
        while wrong := list(self._wrong()):
            if time.monotonic() > ends_s:
                self.found.append(f"{when}: {wrong}")
            if self.found:
                return
            await self._tick()

    def _wrong(self) -> Iterator[str]:
        stored, topics = self._pair.listener.stored, self._pair.topics
        for topic in (topics.bridge_state, topics.account(SLUG, "availability")):
            if stored.get(topic) != ONLINE.encode():
                yield f"{topic} is {stored.get(topic)!r}"
        if not self._is_right():
            yield f"{SLUG} is wrong"
        for node in self._pair.nodes.values():
            if node.process and node.knows_who_serves != self._writers.leader[0]:
                yield f"{node.name} does not know yet who serves"

    def _doubled(self) -> Iterator[int]:
        """Of each term the reads by the other node, since who leads has read."""
        oid = self._pair.person.oid
        apps = {app.client_id: node for node, app in self._pair.office.apps.items()}
        reads = [
            (entry.at_s, apps.get(entry.client_id or "", ""))
            for entry in self._pair.office.microsoft.requests.of()
            if entry.at_s >= self._began_s
            and "presence" in entry.endpoint
            and (oid in entry.path or oid.encode() in entry.body)
        ]
        if not reads:
            self.found.append("nobody was seen to read: the count of doubled reads is none")
        for (began_s, leader), (ended_s, _) in pairwise([*self._terms, (time.monotonic(), "")]):
            term = [(at_s, node) for at_s, node in reads if began_s <= at_s < ended_s]
            first_s = next((at_s for at_s, node in term if node == leader), ended_s)
            yield sum(1 for at_s, node in term if at_s > first_s and node not in ("", leader))


def _later(work: Callable[..., object], *arguments: object) -> Undo:
    async def undo() -> None:
        partial(work, *arguments)()

    return undo
