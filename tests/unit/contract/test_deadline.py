from __future__ import annotations

import asyncio
import time

import pytest

from bridge.contract.deadline import came, within


async def test_what_ends_in_time_returns_or_raises() -> None:
    assert await within(10, asyncio.sleep(0, "done")) == "done"

    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await within(10, fails())


async def test_what_takes_longer_is_cancelled() -> None:
    work = asyncio.Event()
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            await work.wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError):
        await within(0, for_ever())
    assert ended == ["cancelled"]


async def test_it_holds_in_a_task_that_cleans_up_after_its_cancellation() -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            try:
                await within(0, asyncio.Event().wait())
            except TimeoutError:
                told.append("too long")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["too long"]


async def test_a_cancellation_ends_the_work_too() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    task = asyncio.create_task(within(10, work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["work"]


async def test_what_came_while_the_process_could_not_run_came_in_time() -> None:
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    waiting = asyncio.create_task(came(event, 0.02))
    await asyncio.sleep(0)
    loop.call_later(0.01, event.set)
    time.sleep(0.1)  # noqa: ASYNC251 - the loop finds both of them due
    assert await waiting


async def test_what_does_not_come_in_time_has_not_come() -> None:
    assert not await came(asyncio.Event(), 0.01)
