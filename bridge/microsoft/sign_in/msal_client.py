"""Runs msal, which blocks: one worker thread for one token cache.

Who is cancelled ends the request that msal waits for, and with it the worker; whoever comes next
waits until the worker has really ended. msal replays failures from memory, so after one it gets an
application object of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from traceback import walk_tb
from typing import Any, TypeVar
from weakref import WeakSet

from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.http import Fault, Http
from bridge.microsoft.sign_in.genuine_answers import PENDING, Answer
from bridge.microsoft.sign_in.msal_library import library
from bridge.microsoft.sign_in.msal_requests import (
    INTERRUPTED,
    UNREACHABLE,
    MsalRequests,
    RefusedDiscovery,
)
from bridge.microsoft.sign_in.remedies import explain

log = logging.getLogger(__name__)

T = TypeVar("T")


class MsalWorkers:
    """What all of msal's clients share: the way to Microsoft and the threads."""

    def __init__(self, http: Http, executor: Executor, clock: Clock) -> None:
        self.http, self.executor, self.clock = http, executor, clock
        self._clients: WeakSet[MsalClient] = WeakSet()
        self.working: dict[object, asyncio.Future[Any]] = {}
        """The worker that is at a token cache now."""

    def client(self, open_app: OpenApp, file: Path | None = None) -> MsalClient:
        """A client for one token cache, which ``open_app`` gives to msal, stored in ``file``.

        Who gets the same file, as after a reload, waits for the worker of who had it before.
        """
        client = MsalClient(self, open_app, file)
        self._clients.add(client)
        return client

    def close(self) -> None:
        """End every request, and with it the worker that waits for it."""
        for client in list(self._clients):
            client.interrupt()


class MsalClient:
    """msal's application over one token cache."""

    def __init__(self, workers: MsalWorkers, open_app: OpenApp, file: Path | None) -> None:
        self._workers, self._open_app, self._cache = workers, open_app, file or self
        self._requests = MsalRequests(workers.http, workers.clock)
        self._app: Any = None

    async def ask(self, question: Callable[[Any], Answer | None]) -> Answer | None:
        """What msal's application answers to ``question``: tokens, a code, or a refusal.

        ``SourceUnavailableError`` is raised for what passes by itself.
        """
        try:
            answer = await self.run(self._ask, question)
        except RefusedDiscovery as refused:
            answer = refused.answer
        except _unreadable() as error:
            if not _is_msals(error):
                raise
            log.debug("msal cannot read an answer: %s", type(error).__name__)
            raise SourceUnavailableError(UNREACHABLE.format(Fault.STRANGER)) from error
        if answer and "error" in answer and (why := explain(answer)).passes:
            raise SourceUnavailableError(why.text.rstrip("."))
        return answer

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do ``work`` on the cache's worker; a cancellation is honoured at once."""
        while before := self._workers.working.get(self._cache):
            await asyncio.wait({before})  # somebody was cancelled; their worker goes on
        self._requests.begin(asyncio.get_running_loop())
        job = self._workers.executor.submit(work, *arguments)
        self._workers.working[self._cache] = working = asyncio.wrap_future(job)
        working.add_done_callback(self._ended)
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            job.cancel()
            self.interrupt()
            raise
        if working.cancelled():
            raise SourceUnavailableError(INTERRUPTED, reached=False)
        return working.result()

    def interrupt(self) -> None:
        """End the request that msal waits for, if there is one."""
        self._requests.interrupt()

    def forget(self) -> None:
        """Let the next question have an application object of its own."""
        self._app = None

    def _ended(self, working: asyncio.Future[Any]) -> None:
        del self._workers.working[self._cache]
        if not working.cancelled():
            working.exception()  # nobody may be left to ask for it

    def _ask(self, question: Callable[[Any], Answer | None]) -> Answer | None:
        """Runs on the worker."""
        app, self._app = self._app or self._open_app(self._requests), None
        answer = question(app)
        if not answer or "error" not in answer or answer["error"] in PENDING:
            self._app = app
        return answer


def _unreadable() -> tuple[type[Exception], ...]:
    """What msal raises about an answer that it cannot read; a bug of our own looks the same."""
    return (
        library().exceptions.MsalError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RuntimeError,
    )


def _is_msals(error: Exception) -> bool:
    """Whether msal tripped, and neither our code that asks it nor ours that sends for it."""
    modules = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    packages = [name.partition(".")[0] for name in modules]
    return [name for name in packages if name in {"bridge", "msal"}][-1:] == ["msal"]


OpenApp = Callable[[MsalRequests], Any]
"""Makes an application object of msal's; runs on a worker."""
