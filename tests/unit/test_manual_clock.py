from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bridge.contract.clock import Clock
from tests.fakes.clock import START, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_it_stands_still_until_it_is_moved(clock: ManualClock) -> None:
    as_argument: Clock = clock
    await asyncio.sleep(0)

    assert as_argument.now() == START
    assert as_argument.monotonic() == 0


async def test_advance_moves_wall_and_monotonic_time_alike(clock: ManualClock) -> None:
    await clock.advance(90)

    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic() == 90


async def test_a_sleeper_wakes_at_its_moment_and_not_before(clock: ManualClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(5))

    await clock.advance(4.9)
    assert not sleeper.done()
    assert clock.next_wake_s == pytest.approx(0.1)

    await clock.advance(0.1)
    assert sleeper.done()
    assert clock.next_wake_s is None


async def test_sleepers_wake_in_order_of_due_time_and_then_of_arrival(clock: ManualClock) -> None:
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.create_task(sleeper(name, seconds))
        for name, seconds in [("late", 3.0), ("first", 1.0), ("second", 1.0), ("soon", 0.5)]
    ]
    await clock.advance(10)

    assert woken == ["soon", "first", "second", "late"]
    assert all(task.done() for task in tasks)


async def test_sleeps_that_follow_one_another_fall_on_their_own_moments(clock: ManualClock) -> None:
    seen: list[tuple[str, float]] = []

    async def beat(name: str, every: float) -> None:
        while True:
            await clock.sleep(every)
            seen.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(beat("two", 2)), asyncio.create_task(beat("three", 3))]
    await clock.advance(6)
    for task in tasks:
        task.cancel()

    assert seen == [("two", 2), ("three", 3), ("two", 4), ("three", 6), ("two", 6)]


async def test_a_woken_sleeper_gets_far_through_its_own_awaits_before_the_next_wakes(
    clock: ManualClock,
) -> None:
    steps: list[str] = []

    async def deep(levels: int) -> None:
        if levels:
            await asyncio.create_task(deep(levels - 1))

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        await deep(10)
        steps.append(name)

    first = asyncio.create_task(sleeper("first", 1))
    second = asyncio.create_task(sleeper("second", 1))
    await clock.advance(1)

    assert steps == ["first", "second"]
    assert first.done()
    assert second.done()


async def test_a_jump_of_the_wall_clock_wakes_nobody(clock: ManualClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(5))
    await clock.settle()

    clock.jump_wall(-3600)
    await clock.advance(4)

    assert not sleeper.done()
    assert clock.now() == START + timedelta(seconds=4 - 3600)
    assert clock.monotonic() == 4
    await clock.advance(1)
    assert sleeper.done()


async def test_a_cancelled_sleeper_is_counted_no_more(clock: ManualClock) -> None:
    stays = asyncio.create_task(clock.sleep(5))
    leaves = asyncio.create_task(clock.sleep(1))
    await clock.settle()
    assert clock.sleepers == 2

    leaves.cancel()
    await clock.settle()

    assert clock.sleepers == 1
    assert clock.next_wake_s == 5
    await clock.advance(5)
    assert stays.done()
    assert leaves.cancelled()


async def test_a_sleep_of_nothing_only_yields(clock: ManualClock) -> None:
    await clock.sleep(0)
    await clock.sleep(-1)

    assert clock.sleepers == 0


async def test_until_asleep_waits_for_code_that_real_time_holds_up(clock: ManualClock) -> None:
    async def reads_then_sleeps() -> None:
        await asyncio.to_thread(lambda: None)
        await clock.sleep(30)

    task = asyncio.create_task(reads_then_sleeps())
    await clock.until_asleep()
    await clock.advance(30)

    assert task.done()


async def test_until_asleep_gives_up_at_its_deadline(clock: ManualClock) -> None:
    with pytest.raises(TimeoutError):
        await clock.until_asleep(1, deadline_s=0.01)
