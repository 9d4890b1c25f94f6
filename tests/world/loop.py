"""An event loop whose time jumps from timer to timer, and whose workers take turns with it.

``looptime`` was tried: it lets real time pass, and moves its own time, while a worker runs, gives
42 idle turns to every timer, and cannot know that a worker waits for the loop; ``simloop`` and
``simloom`` want Python 3.12.

Only one thread runs at any moment. A worker that is begun keeps the loop waiting until it ends or
waits for the loop itself (``run_coroutine_threadsafe``); the answer hands the turn back to it. So
time stands still while a worker runs, and the order of everything follows from the seed.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Executor, Future
from itertools import count
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WORKERS = 8
"""At a time, of an executor that does not say how many it has."""
REAL_S = 30.0
"""So long of real time may a worker run: one that waits for something outside is a mistake."""


class StuckError(RuntimeError):
    """Nothing will ever happen again, or a worker waits for something that is no part of this."""


class _Future(asyncio.Future[Any]):
    """Hashes by its number, so that sets are walked in the same order in every run."""

    def __init__(self, number: int, *, loop: asyncio.AbstractEventLoop) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class NumberedTask(asyncio.Task[Any]):
    """As ``_Future``; and tells its context, as Python 3.12 does."""

    def __init__(
        self,
        number: int,
        work: Coroutine[Any, Any, Any],
        *,
        context: contextvars.Context | None = None,
        **keywords: Any,
    ) -> None:
        self._number = number
        self.context = context or contextvars.copy_context()
        super().__init__(work, context=self.context, **keywords)

    def __hash__(self) -> int:
        return self._number


class _Selector(selectors.SelectSelector):
    """Never waits: lets the loop's time jump instead."""

    jump: Callable[[float | None], None]

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            self.jump(timeout)
        return []


_current = threading.local()


class _Turns:
    """One worker: a thread that runs while the loop waits for it."""

    def __init__(self, work: Callable[[], Any], ended: Callable[[_Turns], None]) -> None:
        self._work, self._ended = work, ended
        self._ours = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._over = False
        self.outcome: Any = None
        self.error: BaseException | None = None

    def begin(self) -> None:
        """Let the worker run until it ends or waits for the loop."""
        self._thread.start()
        self._wait()

    def awaits(self, answer: Future[Any]) -> None:
        """Give the turn to the loop until ``answer`` is there; called by the worker."""
        answer.add_done_callback(self._goes_on)
        self._ours.release()

    def _goes_on(self, answer: Future[Any]) -> None:
        if answer.cancelled():  # whoever cancels may hold a lock that the worker needs to end
            asyncio.get_running_loop().call_soon(self._wait)
        else:
            self._wait()

    def _wait(self) -> None:
        if not self._ours.acquire(timeout=REAL_S):
            raise StuckError("a worker waits for something that is no part of this world")
        if self._over:
            self._thread.join()
            self._ended(self)

    def _run(self) -> None:
        _current.turns = self
        try:
            self.outcome = self._work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self.error = error
        self._over = True
        self._ours.release()


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` is virtual seconds from 0; ``delay`` says how long a worker takes to begin."""

    def __init__(self, *, delay: Callable[[], float] = lambda: 0.001) -> None:
        self._virtual_s = 0.0
        self._delay = delay
        self._numbers = count()
        self._pools: dict[Executor | None, _Pool] = {}
        self._thread = threading.get_ident()
        selector = _Selector()
        selector.jump = self._jump
        super().__init__(selector)
        self.set_task_factory(self._task)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_s

    def create_future(self) -> asyncio.Future[Any]:
        """One that hashes the same in every run."""
        return _Future(next(self._numbers), loop=self)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run ``func`` on a worker of ours, whatever ``executor`` is; as many at a time as it."""
        most = int(getattr(executor, "_max_workers", WORKERS))
        pool = self._pools.setdefault(executor, _Pool(self, most, self._delay))
        answer = self.create_future()
        context = contextvars.copy_context()
        pool.put(answer, lambda: context.run(func, *args))
        return answer

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """As always; a worker that begins to wait for the loop gives it the turn."""
        handle = self.call_soon(callback, *args, context=context)
        if threading.get_ident() != self._thread and (answer := _awaited(callback)) is not None:
            _current.turns.awaits(answer)
        return handle

    def executor(self, workers: int = WORKERS) -> Executor:
        """One whose workers are ours, for who does not ask the loop to run it."""
        return _Executor(_Pool(self, workers, self._delay))

    async def shutdown_default_executor(self) -> None:
        """There is none."""

    def _task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **keywords: Any,
    ) -> asyncio.Task[Any]:
        assert asyncio.iscoroutine(work)
        return NumberedTask(next(self._numbers), work, loop=loop, **keywords)

    def _jump(self, timeout: float | None) -> None:
        if timeout is None:
            raise StuckError("nothing will ever happen again")
        timers: list[asyncio.TimerHandle] = vars(self)["_scheduled"]  # asyncio tells it nowhere
        due = timers[0].when()
        self._virtual_s = max(self._virtual_s, due)


class _Pool:
    """The workers of one executor."""

    def __init__(self, loop: VirtualLoop, most: int, delay: Callable[[], float]) -> None:
        self._loop, self._most, self._delay = loop, most, delay
        self._busy = 0
        self._queued: deque[tuple[_Answer, Callable[[], Any]]] = deque()

    def put(self, answer: _Answer, work: Callable[[], Any]) -> None:
        """Do ``work`` as soon as a worker is free; what is cancelled before is never begun."""
        self._queued.append((answer, work))
        self._next()

    def _next(self) -> None:
        while self._queued and self._busy < self._most:
            self._busy += 1
            self._loop.call_later(self._delay(), self._begin, *self._queued.popleft())

    def _begin(self, answer: _Answer, work: Callable[[], Any]) -> None:
        def ended(turns: _Turns) -> None:
            self._over()
            if not answer.done():
                _settle(answer, turns)

        if answer.cancelled():
            self._over()
        else:
            if isinstance(answer, Future):
                answer.set_running_or_notify_cancel()
            _Turns(work, ended).begin()

    def _over(self) -> None:
        self._busy -= 1
        self._next()


_Answer = asyncio.Future[Any] | Future[Any]


class _Executor(Executor):
    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        answer: Future[T] = Future()
        context = contextvars.copy_context()
        self._pool.put(answer, lambda: context.run(fn, *args, **kwargs))
        return answer


def _settle(answer: _Answer, turns: _Turns) -> None:
    if isinstance(turns.error, CancelledError):
        answer.set_exception(asyncio.CancelledError())  # as asyncio does
    elif turns.error is not None:
        answer.set_exception(turns.error)
    else:
        answer.set_result(turns.outcome)


def _awaited(callback: Callable[..., Any]) -> Future[Any] | None:
    """The future that a worker is about to wait for: ``run_coroutine_threadsafe`` holds it."""
    for cell in getattr(callback, "__closure__", None) or ():
        if isinstance(cell.cell_contents, Future):
            return cell.cell_contents
    return None
