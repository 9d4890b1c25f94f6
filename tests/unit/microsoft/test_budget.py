import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft import budget as module
from bridge.microsoft.budget import Budget
from tests.fakes.clock import ManualClock


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 900)), min_size=1, max_size=4))
def test_no_window_ever_holds_more_than_the_budget(bursts: list[tuple[float, int]]) -> None:
    sent: list[float] = []

    async def scenario() -> None:
        clock = ManualClock()
        budget = Budget(clock)

        async def one() -> None:
            await budget.take()
            sent.append(clock.monotonic())

        tasks: list[asyncio.Task[None]] = []
        for pause, count in bursts:
            await clock.advance(pause)
            tasks += [asyncio.create_task(one()) for _ in range(count)]
            await clock.advance(0)
        while not all(task.done() for task in tasks):
            await clock.advance(1)

    asyncio.run(scenario())
    for index, moment in enumerate(sent):
        later = index + module.REQUESTS
        if later < len(sent):
            assert sent[later] - moment >= module.WINDOW_S


class CountingClock(ManualClock):
    """Counts who sleeps, and gives up on who never stops."""

    sleeps = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        assert self.sleeps < 100
        await super().sleep(seconds)


@pytest.mark.parametrize("thirds", range(1, 7))
async def test_a_sum_of_seconds_that_is_off_by_a_hair_costs_no_busy_loop(thirds: int) -> None:
    clock = CountingClock()
    budget = Budget(clock)
    await clock.advance(thirds / 3 + 0.1)
    for _ in range(module.REQUESTS):
        await budget.take()
    waiting = asyncio.create_task(budget.take())
    await clock.advance(0.1)
    await clock.advance(module.WINDOW_S)
    await waiting
    assert clock.sleeps <= 2


async def test_nothing_is_sent_while_microsoft_asked_for_silence() -> None:
    clock = ManualClock()
    budget = Budget(clock)
    budget.block(120)
    for _ in range(12):
        with pytest.raises(SourceUnavailableError) as caught:
            await budget.take()
        assert caught.value.retry_after_s == 120 - clock.monotonic()
        await clock.advance(10)
    await budget.take()
    assert budget.last_hour == 1


async def test_the_longest_wish_wins() -> None:
    clock = ManualClock()
    budget = Budget(clock)
    budget.block(120)
    budget.block(5)
    assert budget.blocked_until == clock.now() + timedelta(seconds=120)


async def test_requests_are_counted_for_an_hour() -> None:
    clock = ManualClock()
    budget = Budget(clock)
    await budget.take()
    await clock.advance(1800)
    await budget.take()
    assert budget.last_hour == 2
    await clock.advance(1900)
    assert budget.last_hour == 1


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 20), st.integers(1, 800), st.floats(0, 25)),
        min_size=1,
        max_size=6,
    )
)
def test_no_tenant_ever_gets_more_than_the_limit_however_late_requests_arrive(
    bursts: list[tuple[int, float, int, float]],
) -> None:
    arrived: list[list[float]] = [[] for _ in range(4)]

    async def scenario() -> None:
        clock = ManualClock()
        budgets = [Budget(clock) for _ in arrived]

        async def one(tenant: int, late_s: float) -> None:
            async with budgets[tenant].turn():
                await clock.sleep(late_s)
                arrived[tenant].append(clock.monotonic())

        tasks: list[asyncio.Task[None]] = []
        for tenant, pause, count, late_s in bursts:
            await clock.advance(pause)
            tasks += [asyncio.create_task(one(tenant, late_s)) for _ in range(min(count, 200))]
            tasks += [asyncio.create_task(one(tenant, 0)) for _ in range(count)]
            await clock.advance(0)
        while not all(task.done() for task in tasks):
            await clock.advance(5)

    asyncio.run(scenario())
    for moments in arrived:
        for index, moment in enumerate(moments):
            later = index + module.LIMIT
            if later < len(moments):
                assert moments[later] - moment >= module.WINDOW_S


async def test_one_tenants_pause_is_not_anothers() -> None:
    clock = ManualClock()
    paused, other = Budget(clock), Budget(clock)
    paused.block(60)
    with pytest.raises(SourceUnavailableError):
        async with paused.turn():
            pass
    async with other.turn():
        pass
    assert (paused.last_hour, other.last_hour) == (0, 1)
