import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.contract.latest import Latest
from tests.fakes.clock import ManualClock

DEADLINE_S = 5


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def following(values: AsyncIterator[int]) -> int:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(values)


async def test_a_watcher_sees_the_current_value_first() -> None:
    slot = Latest(1)
    slot.set(2)
    assert await following(slot.watch()) == 2


async def test_who_is_slow_misses_what_was_in_between() -> None:
    slot = Latest(0)
    watcher = slot.watch()
    assert await following(watcher) == 0
    for value in (1, 2, 3):
        slot.set(value)
    assert await following(watcher) == 3
    waiting = asyncio.ensure_future(following(watcher))
    await asyncio.sleep(0)
    assert not waiting.done()
    slot.set(4)
    assert await waiting == 4


async def test_an_equal_value_wakes_watchers_too() -> None:
    slot = Latest(1)
    watcher = slot.watch()
    await following(watcher)
    waiting = asyncio.ensure_future(following(watcher))
    await asyncio.sleep(0)
    slot.set(1)
    assert await waiting == 1


async def test_every_watcher_sees_the_newest_value() -> None:
    slot = Latest(0)
    watchers = [slot.watch() for _ in range(3)]
    for watcher in watchers:
        await following(watcher)
    waiting = [asyncio.ensure_future(following(watcher)) for watcher in watchers]
    await asyncio.sleep(0)
    slot.set(7)
    assert await asyncio.gather(*waiting) == [7, 7, 7]


async def test_the_version_grows_with_each_set() -> None:
    slot = Latest("a")
    before = slot.version
    slot.set("a")
    slot.set("b")
    assert (slot.version - before, slot.value) == (2, "b")


async def test_waiting_for_a_newer_one_ends_with_it(clock: ManualClock) -> None:
    slot = Latest(0)
    waiting = asyncio.ensure_future(slot.newer(slot.version, within_s=60, clock=clock))
    await clock.settle()
    assert not waiting.done()
    slot.set(1)
    assert await waiting
    assert clock.monotonic() == 0
    assert clock.sleepers == 0


async def test_waiting_for_a_newer_one_ends_with_the_time(clock: ManualClock) -> None:
    slot = Latest(0)
    waiting = asyncio.ensure_future(slot.newer(slot.version, within_s=60, clock=clock))
    await clock.advance(59)
    assert not waiting.done()
    await clock.advance(1)
    assert not await waiting


async def test_one_that_is_newer_already_is_not_waited_for(clock: ManualClock) -> None:
    slot = Latest(0)
    seen = slot.version
    slot.set(1)
    async with asyncio.timeout(DEADLINE_S):
        assert await slot.newer(seen, within_s=60, clock=clock)
    assert clock.sleepers == 0


async def test_a_cancelled_wait_leaves_no_task_behind(clock: ManualClock) -> None:
    slot = Latest(0)
    tasks = asyncio.all_tasks()
    waiting = asyncio.ensure_future(slot.newer(slot.version, within_s=60, clock=clock))
    await clock.settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == tasks
    assert clock.sleepers == 0
