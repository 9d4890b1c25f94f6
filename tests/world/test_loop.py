"""The loop of the world: time jumps, and workers take turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from tests.world.loop import StuckError, VirtualLoop

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What ``work`` returns, and the virtual seconds it took."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work), loop.time()


def test_a_day_takes_no_time() -> None:
    began_s = time.monotonic()
    _, passed_s = run(asyncio.sleep(86_400))
    assert passed_s == 86_400
    assert time.monotonic() - began_s < 5


def test_a_deadline_holds() -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.Event().wait()

    assert run(work())[1] == 10


def test_time_stands_still_while_a_worker_runs() -> None:
    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(time.sleep, 0.05)

    assert run(work())[1] == 0.001


def test_a_worker_waits_for_the_loop() -> None:
    """As msal does when its requests are sent by the loop: time goes on meanwhile."""

    async def answer(value: int) -> int:
        await asyncio.sleep(5)
        return value

    async def work() -> list[int]:
        loop = asyncio.get_running_loop()

        def on_worker() -> list[int]:
            return [
                asyncio.run_coroutine_threadsafe(answer(number), loop).result() for number in (1, 2)
            ]

        return await asyncio.to_thread(on_worker)

    answers, passed_s = run(work())
    assert answers == [1, 2]
    assert passed_s == pytest.approx(10.001)


def test_a_cancelled_answer_ends_the_worker() -> None:
    async def work() -> list[str]:
        loop, told = asyncio.get_running_loop(), list[str]()
        sent = list[Any]()

        def on_worker() -> None:
            sent.append(asyncio.run_coroutine_threadsafe(asyncio.sleep(1e6), loop))
            try:
                sent[0].result()
            finally:
                told.append("ended")

        running = loop.run_in_executor(None, on_worker)
        await asyncio.sleep(1)
        sent[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return told

    assert run(work())[0] == ["ended"]


def test_an_executor_keeps_its_number_of_workers() -> None:
    """One worker a token cache: what is put first is done first."""

    async def work() -> list[int]:
        loop, done = asyncio.get_running_loop(), list[int]()

        def slow(number: int) -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(10 - number), loop).result()
            done.append(number)

        with ThreadPoolExecutor(1) as executor:
            await asyncio.gather(*(loop.run_in_executor(executor, slow, n) for n in range(3)))
        return done

    done, passed_s = run(work())
    assert done == [0, 1, 2]
    assert passed_s == pytest.approx(27.003)


def test_an_error_of_a_worker_is_raised() -> None:
    async def work() -> None:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)

    run(work())


def test_a_world_in_which_nothing_will_happen_says_so() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    with pytest.raises(StuckError):
        loop.run_until_complete(work())
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()
