"""Runs a synchronous library on one thread of its own, so that no old call overtakes a new one.

A deadline does not stop a thread: with a pool, a write that timed out could still end after the
newer one and leave the wrong colour. One worker a light keeps the order. What hangs in a socket
there is cut off, so that a later call need not wait for it: a socket's own time-out is not enough,
it starts anew with every byte that drips in.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Generic, ParamSpec, Protocol, Self, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CLOSE_S = 2.0


class Worker:
    """One thread for one light."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        """Its thread starts with the first call."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Drop what has not begun; a call that hangs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def __call__(
        self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
    ) -> T:
        """Run ``function`` on the thread, after all that came before it.

        A cancelled call that has not begun is dropped. Raises what ``function`` raises.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(function, *arguments, **keywords))


class CutOff:
    """Of one call: once ``set``, its socket is shut down, and what was not sent is not."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.is_set = False

    def watch(self, sock: socket.socket | None) -> None:
        """From now on ``sock`` is what the call hangs in; ``TimeoutError`` where it is cut off."""
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


class Device(Protocol):
    """Something that a library opened."""

    def close(self) -> None:
        """Let it go."""


D = TypeVar("D", bound=Device)


class OnDemand(Worker, Generic[D]):
    """A device on its thread: opened when used, and again after a use that failed.

    ``what`` names it for people.
    """

    def __init__(self, name: str, open_device: Callable[[], D], *, what: str) -> None:
        super().__init__(name)
        self._open, self._what = open_device, what
        self._device: D | None = None

    async def __aexit__(self, *error: object) -> None:
        """Let the device go and end."""
        try:
            await self.close()
        finally:
            await super().__aexit__(*error)

    async def use(self, do: Callable[[D], None]) -> None:
        """Call ``do`` with the device. Raises what opening it or ``do`` raises."""
        await self(self._use, do)

    async def close(self) -> None:
        """Let the device go; one that hangs is not waited for."""
        try:
            await within(CLOSE_S, self(self._close))
        except TimeoutError:
            log.warning("%s could not be released within %g s", self._what, CLOSE_S)

    def _use(self, do: Callable[[D], None]) -> None:
        if self._device is None:
            self._device = self._open()
        try:
            do(self._device)
        except LightUnreachableError:
            self._close()
            raise

    def _close(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        try:
            device.close()
        except Exception as error:  # noqa: BLE001 - lgpio.error has no base of its own
            log.warning("%s could not be released: %s", self._what, error)
