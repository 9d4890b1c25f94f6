"""Runs a synchronous library on one thread of its own. Never lets an old call overtake a new one.

A deadline does not stop a thread: with a pool, a write that timed out could still end after the
newer one and leave the wrong colour. One worker a light keeps the order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One thread for one light."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        """Make ready; the thread starts with the first call."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop what has not begun; a call that hangs is not waited for."""
        if self._executor:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    async def __call__(
        self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
    ) -> T:
        """Run ``function`` on the thread, after all that came before it.

        A cancelled call that has not begun is dropped. Raises what ``function`` raises.
        """
        assert self._executor is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(function, *arguments, **keywords))
