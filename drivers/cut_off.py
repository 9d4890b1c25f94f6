"""Cuts off what hangs in a socket on another thread, so that a later call need not wait for it.

A socket's own time-out is not enough: it starts anew with every byte that drips in.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from drivers.blocking import Worker

T = TypeVar("T")


class CutOff:
    """Of one call: once ``set``, its socket is shut down, and what was not sent is not."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        """What the call hangs in."""
        self.is_set = False

    def watch(self, sock: socket.socket | None) -> None:
        """From now on ``sock`` is what the call hangs in; its own thread says so.

        Raises:
            TimeoutError: It is cut off already.
        """
        self.socket = sock
        if self.is_set:
            raise TimeoutError

    def set(self) -> None:
        """Make the call end soon; from any thread."""
        self.is_set = True
        if self.socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # also of TLS, at once


async def cut_when_cancelled(worker: Worker, call: Callable[[CutOff], T]) -> T:
    """What ``call`` returns or raises on the thread of ``worker``."""
    cut = CutOff()
    try:
        return await worker(call, cut)
    except asyncio.CancelledError:
        cut.set()
        raise
