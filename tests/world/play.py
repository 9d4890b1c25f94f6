"""Plays a story in a world: first with faults, then without; and judges it all the time.

As the simulator of TigerBeetle does: what must hold always is checked while faults go on, what must
be right in the end after they are over.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.world.acts import Acts
from tests.world.checks.erased import Erased
from tests.world.checks.lamps import Lamps
from tests.world.checks.limits import Announced
from tests.world.checks.logs import Logs
from tests.world.checks.order import Order
from tests.world.checks.removed import Removed
from tests.world.checks.right import Right
from tests.world.checks.secrets import Secrets
from tests.world.checks.silence import Silence
from tests.world.checks.truth import Truth
from tests.world.checks.wellness import Wellness
from tests.world.logbook import Line
from tests.world.loop import NumberedTask, VirtualLoop
from tests.world.options import Options
from tests.world.process import LIFE, Life
from tests.world.story import CALM_S, Step
from tests.world.trace import Trace
from tests.world.waits import LONGEST_S, longest_s
from tests.world.world import World

TICK_S = 2.5
STEADY_S = 30.0
"""So long it stays right at the end."""
SHOWN = 25
"""Lines of the log."""
RESTING = 2
"""Tasks that a poller has while it rests and has not while it reads."""
LAST_S = 10.0
"""So long the last step goes on before all faults end."""
FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True)
class Verdict:
    """How a story ended; ``problem`` is ``None`` when all was well."""

    options: Options
    steps: tuple[Step, ...]
    problem: str | None
    at_s: float
    digest: int
    """Of all that was published and logged: equal in every run of the same story."""
    lines: tuple[Line, ...] = ()
    """What was logged last."""

    def __str__(self) -> str:
        """For people: enough to see what happened, and to replay it."""
        if self.problem is None:
            return f"seed {self.options.seed}: well, after {self.at_s:.0f} s"
        told = [f"seed {self.options.seed}: at {self.at_s:.1f} s: {self.problem}", "options:"]
        told += [str(self.options), "story:", *(f"  {step}" for step in self.steps), "log:"]
        told += [f"  {line}" for line in self.lines[-SHOWN:]]
        return "\n".join(told)


class BrokenError(Exception):
    """An invariant does not hold."""


def play(options: Options, steps: Sequence[Step], *, chatty: bool = False) -> Verdict:
    """Play ``steps`` from the beginning of a new world."""
    random = Random(f"workers {options.seed}")
    loop = VirtualLoop(delay=lambda: 0.001 + 0.01 * random.random())
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=FOLDER))
    problem: str | None = None
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        director = _Director(options, folder, loop)
        try:
            with _listening(director, chatty=chatty):
                runner.run(director.play(steps))
        except BrokenError as error:
            problem = str(error)
        finally:
            for process in director.world.processes:
                process.wanted = False
            shutil.rmtree(folder, ignore_errors=True)
    lines = tuple(director.world.logbook.lines)
    return Verdict(options, tuple(steps), problem, loop.time(), director.trace.digest, lines)


@contextmanager
def _listening(director: _Director, *, chatty: bool) -> Iterator[None]:
    root, book = logging.getLogger(), director.world.logbook
    before = root.level
    if chatty:
        book.watchers.append(lambda line: sys.stdout.write(f"{line}\n"))
    root.addHandler(book)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(book)
        root.setLevel(before)


class _Director:
    def __init__(self, options: Options, folder: Path, loop: VirtualLoop) -> None:
        self.world = World(options, folder, loop)
        self.trace = Trace(self.world)
        self._wellness = Wellness(self.world)
        self._erased = Erased(self.world, self._wellness)
        self._acts = Acts(self.world, self._erased.own)
        lamps = Lamps(self.world, self._wellness)
        self._right = Right(self.world, lamps)
        self._checks = (
            Truth(self.world, self._wellness),
            self._erased,
            Removed(self.world, self._wellness),
            Silence(self.world),
            Secrets(self.world),
            Order(self.world),
            Announced(self.world),
            Logs(self.world),
            lamps,
        )

    async def play(self, steps: Sequence[Step]) -> None:
        """Raise ``BrokenError`` at the first invariant that does not hold."""
        world = self.world
        office = asyncio.create_task(world.office.run(), name="office")
        for process in world.processes:
            process.start()
        try:
            await self._until_right(CALM_S)
            for step in steps:
                await self._watch_until(step.at_s)
                self._acts.do(step)
                self._look()
            await self._watch_until(world.now_s + LAST_S)
            self._acts.heal()
            await self._acts.settle()
            faults = {fault for fault in world.options.faults if steps}
            await self._until_right(longest_s(faults))
            await self._nothing_has_grown()
            await self._stop()
        finally:
            office.cancel()
            for process in world.processes:
                process.wanted = False
                process.kill()
                await process.bury()

    async def _watch_until(self, at_s: float) -> None:
        while self.world.now_s < at_s:
            await asyncio.sleep(min(TICK_S, at_s - self.world.now_s))
            self._look()

    def _look(self) -> None:
        for mistake in self.world.broker.mistakes:
            raise mistake
        self._wellness.look()
        for process in self.world.processes:
            _raise(process.problems)
        for check in self._checks:
            _raise(list(check.look()))

    async def _until_right(self, within_s: float) -> None:
        """Wait until all has been right for a while; it must begin to be so ``within_s``."""
        ends_s = self.world.now_s + within_s
        since_s: float | None = None
        while since_s is None or self.world.now_s - since_s < STEADY_S:
            if [*self._right.look(), *self._erased.missing()]:
                since_s = None
                if self.world.now_s >= ends_s:
                    self._must_be_right()
            elif since_s is None:
                since_s = self.world.now_s
            self._ask_lamps_to_follow()
            await self._watch_until(self.world.now_s + 2 * TICK_S)

    def _must_be_right(self) -> None:
        wrong = [*self._right.look(), *self._erased.missing()]
        _raise([f"not right in the end: {problem}" for problem in wrong])

    def _ask_lamps_to_follow(self) -> None:
        """A command is not stored: whoever presses while a lamp is away presses again."""
        for lamp in self.world.lamps:
            if self._acts.is_off_presence(lamp):
                self._acts.do(Step(self.world.now_s, "light", lamp.process.name, "presence"))

    async def _nothing_has_grown(self) -> None:
        """No more tasks than after a fresh start of everything."""
        before = _tasks()
        for process in self.world.processes:
            await process.stop()
            process.start()
        await self._until_right(LONGEST_S["throttle"])  # a silence outlasts a restart
        after = _tasks()
        for name, count in before.items():
            if count > after[name] + RESTING * len(self.world.followed()) + 3:
                _raise([f"{name} has {count} tasks, and {after[name]} after a fresh start"])

    async def _stop(self) -> None:
        for process in self.world.processes:
            await process.stop()
            _raise(process.problems)


def _tasks() -> Counter[str]:
    """How many tasks each process has."""
    found: Counter[str] = Counter()
    for task in asyncio.all_tasks():
        assert isinstance(task, NumberedTask)
        life: Life | None = task.context.get(LIFE)
        if life is not None and not life.killed:
            found[life.name.partition(".")[0]] += 1
    return found


def _raise(problems: list[str]) -> None:
    if problems:
        raise BrokenError(problems[0])
