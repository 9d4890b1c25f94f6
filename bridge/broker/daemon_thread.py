"""Does what blocks on a thread that nobody has to wait for.

Names, addresses and TLS handshakes block for as long as a network likes. The thread is a daemon,
not one of the loop's executor, since Python joins those before a process may end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(
    work: Callable[[], T], *, name: str, unwanted: Callable[[T], object] = lambda _: None
) -> T:
    """What ``work`` returns; when nobody waits any more, ``unwanted`` gets it."""
    done: Future[T] = Future()
    Thread(target=_do, args=(work, done, unwanted), name=name, daemon=True).start()
    try:
        return await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        if not done.cancel() and done.exception() is None:  # it has just ended
            unwanted(done.result())
        raise


def _do(work: Callable[[], T], done: Future[T], unwanted: Callable[[T], object]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - for who waits, a bug too
        with suppress(InvalidStateError):
            done.set_exception(error)
        return
    try:
        done.set_result(result)
    except InvalidStateError:
        unwanted(result)
