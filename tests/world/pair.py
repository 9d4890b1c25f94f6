"""Two bridges of one base topic, and one log of all that is published.

python -m tests.world.pair --seeds 1000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from bridge.config.tables.config import Config
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.service.service import Service
from tests.world.broker import Published
from tests.world.loop import VirtualLoop
from tests.world.network import Network
from tests.world.options import Options
from tests.world.play import FOLDER
from tests.world.process import Life, Process
from tests.world.world import World

NODES = ("a", "b")
TICK_S, CALM_S, FAULT_MOST_S = 0.5, 60.0, 90.0
TAKEOVER_S = 30.0
"""From the will of who served to ``online``."""
SHOWN_S = 40.0
"""A change is seen by then, where one of them has served without a fault."""
STATES = [("Available", "Available"), ("Busy", "InACall"), ("Away", "Away"), ("Busy", "InAMeeting")]
FAULTS = ("kill", "freeze", "cut", "lost", "stop", "both", "slow", "clock", "broker", "nothing")


class Pair(World):
    """A world with two bridges, each with a way of its own to broker and Microsoft."""

    def __init__(self, options: Options, folder: Path, loop: VirtualLoop) -> None:
        super().__init__(options, folder, loop)
        self.services: dict[str, Service] = {}
        self.networks: dict[str, Network] = {}
        self.nodes = {node: self._node(node) for node in NODES}

    def client_id(self, process: Process) -> str:
        """Both have the same when they serve."""
        return super().client_id(self.bridge)

    def _node(self, node: str) -> Process:
        network = Network(self.microsoft, self.time, self.random(f"network {node}"))
        self.networks[node] = network

        async def program(life: Life) -> bool:
            http = network.way()
            life.at_death.append(http.die)
            config = self.config().model_dump(exclude_unset=True) | {
                "state_dir": process.folder.path,
                "standby": {"node": node},
            }
            service = Service(
                Config.model_validate(config),
                clock=process.clock,
                random=self.random(life.name),
                connect=life.way.connect,
                open_http=http.open,
                executor=self._executor,
            )
            self.services[node] = service
            life.stop = service.stop
            await service.run()
            return service.restart_wanted

        process = self._process(node, program)
        return process


class Story:
    """Random faults on one pair, and what must hold."""

    def __init__(self, world: Pair, seed: int) -> None:
        self._world, self._random = world, Random(f"pair {seed}")
        self._epoch = 0
        self._leader: tuple[str, int] = ("", 0)
        self._will_s: float | None = None
        self.found: list[str] = []
        self.longest_s = 0.0
        self.takeovers = 0
        self.done: list[str] = []
        world.broker.watchers.append(self._published)

    async def play(self, faults: int) -> None:
        """Do ``faults`` things, each to its end, and look all the time."""
        world = self._world
        signing = asyncio.create_task(self._sign_in(), name="people")
        for process in world.nodes.values():
            process.start()
        try:
            await self._until_right("at the start", 120)
            for _ in range(faults):
                await self._one()
                if self.found:
                    return
        finally:
            signing.cancel()
            for process in world.nodes.values():
                process.wanted = False
                process.kill()
                await process.bury()

    async def _one(self) -> None:
        world, random = self._world, self._random
        what, who = random.choice(FAULTS), random.choice(NODES)
        lasts_s = random.uniform(0.1, FAULT_MOST_S)
        self.done.append(f"{world.now_s:.1f} {what} {who} {lasts_s:.1f}")
        undo = self._do(what, world.nodes[who])
        ends_s = world.now_s + lasts_s
        while world.now_s < ends_s:
            if random.random() < 0.02:
                self._change()
            await self._tick()
        undo()
        await self._until_right(f"after {what} of {who}", 220)
        await self._watch(random.uniform(0, CALM_S))

    def _do(self, what: str, process: Process) -> Callable[[], object]:
        world = self._world
        way = process.life.way if process.life else None
        if what in ("kill", "both"):
            hit = list(world.nodes.values()) if what == "both" else [process]
            for each in hit:
                each.wanted = False
                each.kill()
            return lambda: _start(hit)
        if what == "stop":
            stopping = asyncio.create_task(process.stop(), name="stop")
            return lambda: stopping.add_done_callback(lambda _: process.start())
        if what == "clock":
            process.clock.step(self._random.choice((-400.0, -7.0, 30.0, 3600.0)))
        if what == "broker":
            world.broker.go()
            memory = self._random.random() < 0.5
            return lambda: world.broker.come(with_memory=memory)
        if way and what in ("freeze", "lost"):
            way.silence()
            return way.speak
        if way and what == "cut":
            way.cut()
        if way and what == "slow":
            way.each_s = 0.05
            return lambda: setattr(way, "each_s", 0.0)
        return lambda: None

    def _change(self) -> None:
        for person in self._world.named.values():
            self._world.microsoft.directory.change(person, *self._random.choice(STATES))

    async def _watch(self, seconds: float) -> None:
        ends_s = self._world.now_s + seconds
        while self._world.now_s < ends_s and not self.found:
            await self._tick()

    async def _tick(self) -> None:
        await asyncio.sleep(TICK_S)
        for process in self._world.nodes.values():
            self.found += process.problems
        for mistake in self._world.broker.mistakes:
            raise mistake

    async def _until_right(self, when: str, within_s: float) -> None:
        ends_s = self._world.now_s + within_s
        while wrong := list(self._wrong()):
            if self._world.now_s > ends_s:
                self.found.append(f"{when}: {wrong}")
            if self.found:
                return
            await self._tick()

    def _wrong(self) -> Iterator[str]:
        world, topics = self._world, self._world.topics
        if world.broker.retained(topics.bridge_state) != ONLINE.encode():
            yield "nobody serves"
        for slug in world.named:
            state = json.loads(world.broker.retained(topics.account(slug, "state")) or b"{}")
            if f"{state.get('availability')}/{state.get('activity')}" != world.shown(slug):
                yield f"{slug} is {world.shown(slug)}, and {state} is retained"
            current = world.broker.retained(topics.account(slug, "availability"))
            if current != ONLINE.encode():
                yield f"{slug} is not current"

    def _published(self, published: Published) -> None:
        topic, world = published.topic, self._world
        if topic == world.topics.bridge_leader and published.payload:
            said = json.loads(published.payload)
            leader = said["node"], said["epoch"]
            is_same = leader[1] == self._leader[1] and leader != self._leader
            if leader[1] < self._leader[1] or is_same:
                self.found.append(f"{leader} serves after {self._leader}")
            self._leader, self._epoch = leader, max(self._epoch, leader[1])
        if topic.startswith(f"{world.topics.base}/account/") and topic.endswith("/state"):
            epoch = json.loads(published.payload or b"{}").get("epoch")
            if epoch is not None and epoch < self._epoch:
                self.found.append(f"{topic} of epoch {epoch} after {self._epoch}")
        if topic == world.topics.bridge_state:
            self._state(published)

    def _state(self, published: Published) -> None:
        if published.payload == OFFLINE.encode():
            self._will_s = self._world.now_s
        elif self._will_s is not None and published.payload == ONLINE.encode():
            took_s, self._will_s = published.at_s - self._will_s, None
            if self.done and self.done[-1].split()[1] in ("kill", "lost", "freeze", "stop"):
                self.takeovers += 1
                self.longest_s = max(self.longest_s, took_s)
                if took_s > TAKEOVER_S:
                    self.found.append(f"online {took_s:.1f} s after the will")

    async def _sign_in(self) -> None:
        """Whoever is asked to, on either node, does."""
        world = self._world
        while True:
            await asyncio.sleep(3)
            for service in list(world.services.values()):
                for slug, person in world.named.items():
                    source = service._parts.sources._tables.get(slug)
                    code = source.source.sign_in.value.user_code if source else None
                    if code:
                        with suppress(KeyError):
                            world.microsoft.codes.approve(code, person)


def _start(processes: list[Process]) -> None:
    for process in processes:
        process.start()


def play(seed: int, *, faults: int = 6) -> Story:
    """One story; ``found`` is what did not hold."""
    random = Random(f"options {seed}")
    options = Options(
        seed,
        people=random.choice((1, 2)),
        lamps=0,
        speaks_5=random.random() < 0.7,
        tells_takeover=random.random() < 0.5,
        will_at_takeover=random.random() < 0.7,
        token_s=random.choice((120, 290)),
    )
    delays = Random(f"workers {seed}")
    loop = VirtualLoop(delay=lambda: 0.001 + 0.01 * delays.random())
    folder = Path(tempfile.mkdtemp(prefix="pair-", dir=FOLDER))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:

        async def told() -> Story:
            story = Story(Pair(options, folder, loop), seed)
            await story.play(faults)
            return story

        try:
            return runner.run(told())
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Play many seeds; 1 when one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.world.pair", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--from", type=int, default=1, dest="first")
    arguments = parser.parse_args()
    failed, takeovers, longest_s = 0, 0, 0.0
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        story = play(seed)
        takeovers, longest_s = takeovers + story.takeovers, max(longest_s, story.longest_s)
        if story.found:
            failed += 1
            print(f"seed {seed}: {story.found[0]} | {story.done}", flush=True)
    print(f"{arguments.seeds} seeds, {takeovers} times offline: {failed} failed; {longest_s:.1f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
