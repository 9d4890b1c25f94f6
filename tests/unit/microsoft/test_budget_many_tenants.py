"""Many apps in many tenants at once: each has its budget, and no trouble of one is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.budget import SENDING, Budget
from tests.fakes.clock import ManualClock

few = settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""To make thousands of requests fewer takes minutes."""

Pair = tuple[str, str]
"""Client id and tenant."""
LIMIT, WINDOW_S = 1_500, 30.0
"""Microsoft's."""
PAIRS: list[Pair] = [(app, tenant) for app in ("app1", "app2") for tenant in ("a", "b", "c")]
QUARTERS = 4
"""Moments are quarters of a second: their sums are exact, so that runs can be compared."""
LATE_MOST = 30
"""So many of the requests of one step are slow."""


@dataclass(frozen=True)
class Step:
    """After a while, an account asks for some requests, or Graph answers one with 429."""

    after_s: float
    pair: Pair
    asks: int
    late_s: float
    """How long the first of them are on their way."""
    pause_s: float

    @property
    def late(self) -> int:
        return min(self.asks, LATE_MOST)


def seconds(most: int) -> st.SearchStrategy[float]:
    return st.integers(0, most * QUARTERS).map(lambda quarters: quarters / QUARTERS)


asking = st.builds(
    Step,
    after_s=seconds(20),
    pair=st.sampled_from(PAIRS),
    asks=st.integers(1, 60) | st.integers(1, LIMIT + 100),
    late_s=seconds(25),
    pause_s=st.just(0.0),
)
pausing = st.builds(
    Step,
    after_s=seconds(20),
    pair=st.sampled_from(PAIRS),
    asks=st.just(0),
    late_s=st.just(0.0),
    pause_s=seconds(90),
)


@dataclass
class Told:
    """What became of the requests of one pair."""

    sent: list[tuple[float, int]] = field(default_factory=list)
    """When which one was sent; they are numbered as they were asked for."""
    arrived: list[float] = field(default_factory=list)
    silences: list[tuple[int, float]] = field(default_factory=list)
    """After so many requests nothing may be sent until then."""
    asked: int = 0


class Run:
    """Does some steps, one clock for all and one budget a pair, until nobody waits."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: dict[Pair, Told] = {}
        self._budgets: dict[Pair, Budget] = {}
        self._events = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def steps(self, steps: Sequence[Step], only: Pair | None = None) -> None:
        """Do all steps, or those of ``only`` at the moments that they have among all."""
        moment = 0.0
        for step in steps:
            moment += step.after_s
            await self._go_on_to(moment)
            if only in (None, step.pair):
                self._do(step)
        while not all(task.done() for task in self._tasks):
            await self._go_on_to(moment := moment + WINDOW_S)
        await asyncio.gather(*self._tasks)

    def _do(self, step: Step) -> None:
        told = self.told.setdefault(step.pair, Told())
        budget = self._budgets.setdefault(step.pair, Budget(self.clock))
        if step.pause_s:
            budget.block(step.pause_s)
            told.silences.append((len(told.sent), self.clock.monotonic() + step.pause_s))
        for number in range(step.asks):
            late_s = step.late_s if number < step.late else 0.0
            self._tasks.append(asyncio.create_task(self._one(budget, told, told.asked, late_s)))
            told.asked += 1

    async def _one(self, budget: Budget, told: Told, number: int, late_s: float) -> None:
        """One request, asked for again after each pause, as a poller does."""
        while True:
            self._events += 1
            try:
                async with budget.turn():
                    told.sent.append((self.clock.monotonic(), number))
                    await self.clock.sleep(late_s)
                    told.arrived.append(self.clock.monotonic())
            except SourceUnavailableError as error:
                await self.clock.sleep(error.retry_after_s or 0)
            else:
                self._events += 1
                return

    async def _go_on_to(self, moment: float) -> None:
        """Let everything happen that is due until then, each at its own moment."""
        await self._settle()
        while (wait_s := self.clock.next_wake_s) is not None:
            if self.clock.monotonic() + wait_s > moment:
                break
            await self.clock.advance(wait_s)
            await self._settle()
        await self.clock.advance(moment - self.clock.monotonic())

    async def _settle(self) -> None:
        """Let time stand still until nobody can go on."""
        before = -1
        while before != self._events:
            before = self._events
            await self.clock.settle()


def run(steps: Sequence[Step], only: Pair | None = None) -> dict[Pair, Told]:
    this = Run()
    asyncio.run(this.steps(steps, only))
    return this.told


def least_distance_s(moments: Sequence[float], count: int) -> float:
    """The shortest time in which more than ``count`` of them lie."""
    return min((later - moment for moment, later in zip(moments, moments[count:], strict=False)))


@few
@given(st.lists(asking | pausing, min_size=1, max_size=8))
def test_each_pair_has_its_budget_and_its_pauses_to_itself(steps: list[Step]) -> None:
    together = run(steps)
    for pair, told in together.items():
        mine = [step for step in steps if step.pair == pair]

        for moments in (sorted(told.arrived), [moment for moment, _ in told.sent]):
            if len(moments) > LIMIT:
                assert least_distance_s(moments, LIMIT) >= WINDOW_S

        for count, until in told.silences:
            assert all(moment >= until for moment, _ in told.sent[count:])

        assert told.asked == len(told.sent) == len(told.arrived)
        last = sum(step.after_s for step in steps)
        windows = ceil(told.asked / (LIMIT - SENDING)) * WINDOW_S
        waits = sum(step.pause_s + step.late * step.late_s for step in mine)
        assert all(moment <= last + windows + waits for moment in told.arrived), "somebody starves"

        alone = run(steps, only=pair)[pair]
        assert alone == told, "another pair was in the way"


@few
@given(st.lists(asking, min_size=1, max_size=6))
def test_who_asks_first_goes_first(steps: list[Step]) -> None:
    for told in run(steps).values():
        assert [number for _, number in told.sent] == list(range(told.asked))
