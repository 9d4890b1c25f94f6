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
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from bridge.contract.topics import ONLINE
from tests.world.broker import Published
from tests.world.loop import VirtualLoop
from tests.world.options import Options
from tests.world.pair_checks import UNWILLED_WRONG_S, WRONG_MOST_S, PairChecks
from tests.world.pair_of_bridges import FAULTS, NODES, Pair, begin
from tests.world.play import FOLDER
from tests.world.world import TABLE

TICK_S, CALM_S, FAULT_MOST_S = 0.5, 60.0, 90.0
TAKEOVER_S = 30.0
"""From the will of who served to ``online``."""
SILENT_MOST_S = 260.0
"""By then another serves in place of one whose will was lost."""
TAKEN_OVER = ("kill", "lost", "freeze", "stop")
STATES = [("Available", "Available"), ("Busy", "InACall"), ("Away", "Away"), ("Busy", "InAMeeting")]


class Story:
    """Random faults on one pair, and what must hold."""

    def __init__(self, world: Pair, seed: int) -> None:
        self._world, self._random = world, Random(f"pair {seed}")
        self.checks = PairChecks(world, world.networks, reads_apart=not world.twins)
        self.found = self.checks.found
        self._missing_since_s: dict[str, float] = {}
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
            looked = {name for _, name in world.broker.connects if "-standby-" in name}
            if len(looked) < len(world.nodes):
                self.found.append(f"{len(world.nodes)} have looked as {looked}")
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
        if what == "unwilled":
            lasts_s, self.checks.may_be_wrong_s = SILENT_MOST_S, UNWILLED_WRONG_S
        self.done.append(f"{world.now_s:.1f} {what} {who} {lasts_s:.1f}")
        undo = begin(what, world, world.nodes[who], random)
        ends_s = world.now_s + lasts_s
        while world.now_s < ends_s:
            if random.random() < 0.02:
                self._change()
            await self._tick()
        undo()
        await self._until_right(f"after {what} of {who}", 220)
        self.checks.may_be_wrong_s = WRONG_MOST_S
        serves = world.serves
        await self._watch(random.uniform(0, CALM_S))
        if serves and world.serves and world.serves != serves:
            self.found.append(f"{world.serves} serves, and {serves} was well")

    def _change(self) -> None:
        for person in self._world.followed().values():
            self._world.microsoft.directory.change(person, *self._random.choice(STATES))

    async def _watch(self, seconds: float) -> None:
        ends_s = self._world.now_s + seconds
        while self._world.now_s < ends_s and not self.found:
            await self._tick()

    async def _tick(self) -> None:
        await asyncio.sleep(TICK_S)
        self.checks.look()
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
        for slug in world.followed():
            stored = self.checks.stored(slug)
            if stored != world.shown(slug):
                yield f"{slug} is {world.shown(slug)}, and {stored} is retained"
            if not self.checks.is_current(slug):
                yield f"{slug} is not current"

    def _published(self, published: Published) -> None:
        topics = self._world.topics
        if published.topic == topics.table(TABLE, "fresh"):
            if json.loads(published.payload or b"{}").get("state") == ONLINE:
                self._back(TABLE, published.at_s)
        elif published.topic == topics.bridge_state and published.payload == ONLINE.encode():
            self._back("", published.at_s)
        elif published.topic == topics.bridge_state:
            large = {TABLE} if self._world.watched else set()
            self._missing_since_s = dict.fromkeys({"", *large}, published.at_s)

    def _back(self, what: str, now_s: float) -> None:
        """The bridge is online, or a large table, and for the first time since a will."""
        will_s = self._missing_since_s.pop(what, None)
        if will_s is None or not self.done or self.done[-1].split()[1] not in TAKEN_OVER:
            return
        took_s = now_s - will_s
        self.takeovers += not what
        self.longest_s = max(self.longest_s, took_s)
        if took_s > TAKEOVER_S:
            self.found.append(f"{what or 'the bridge'} is online {took_s:.1f} s after the will")

    async def _sign_in(self) -> None:
        """Whoever is asked to, on either node, does."""
        world = self._world
        while True:
            await asyncio.sleep(3)
            for service in list(world.services.values()):
                for slug in world.accounts:
                    source = service._parts.sources._tables.get(slug)
                    code = source.source.sign_in.value.user_code if source else None
                    if code:
                        with suppress(KeyError):
                            world.microsoft.codes.approve(code, world.office.person_of(slug))


def play(seed: int, *, faults: int = 6) -> Story:
    """One story; ``found`` is what did not hold."""
    random = Random(f"options {seed}")
    large = random.choice((0, 0, 3))
    options = Options(
        seed,
        people=random.choice((1, 2)),
        watched=large,
        large=bool(large),
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
            twins = random.random() < 0.2
            story = Story(Pair(options, folder, loop, twins=twins), seed)
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
    failed, takeovers, longest_s, doubled, wrong_s = 0, 0, 0.0, 0, 0.0
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        story = play(seed)
        takeovers, longest_s = takeovers + story.takeovers, max(longest_s, story.longest_s)
        doubled = max(doubled, story.checks.doubled_most)
        wrong_s = max(wrong_s, story.checks.wrong_most_s)
        if story.found:
            failed += 1
            print(f"seed {seed}: {story.found[0]} | {story.done}", flush=True)
    print(
        f"{arguments.seeds} seeds, {takeovers} times offline: {failed} failed; {longest_s:.1f} s "
        f"after the will, {doubled} doubled reads, somebody shown wrong for {wrong_s:.0f} s"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
