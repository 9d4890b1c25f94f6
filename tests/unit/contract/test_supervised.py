import asyncio
import logging

import pytest

from bridge.contract.supervised import supervised
from tests.fakes.clock import ManualClock


async def test_work_that_fails_is_reported_and_restarted(caplog: pytest.LogCaptureFixture) -> None:
    clock, starts = ManualClock(), 0
    failures: list[Exception] = []

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 4:
            raise KeyError("alice")

    task = asyncio.ensure_future(
        supervised(work, name="alice", clock=clock, failed=failures.append, random=lambda: 1.0)
    )
    with caplog.at_level(logging.ERROR):
        for wait_s in (2, 4, 8):
            await clock.advance(wait_s)
    await task
    assert len(failures) == 3
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


async def test_the_wait_grows_and_a_calm_run_forgets_it() -> None:
    clock, starts = ManualClock(), []

    async def work() -> None:
        starts.append(clock.monotonic())
        if len(starts) == 3:
            await clock.sleep(700)
        raise ValueError

    task = asyncio.ensure_future(supervised(work, name="alice", clock=clock, random=lambda: 1.0))
    await clock.advance(800)
    assert starts[:4] == [0, 2, 6, 707]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_errors_in_a_group_are_reported_too_and_a_cancellation_ends_it() -> None:
    clock = ManualClock()
    failures: list[Exception] = []

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_broken())
            await asyncio.Event().wait()

    task = asyncio.ensure_future(
        supervised(work, name="alice", clock=clock, failed=failures.append)
    )
    await clock.advance(0.1)
    assert isinstance(failures[0], ExceptionGroup)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _broken() -> None:
    raise ValueError
