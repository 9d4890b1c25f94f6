"""Calls a hub on the lamp's own thread, within a deadline. Never lets a late write go out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from drivers.blocking import Worker
from drivers.hue.transport import Transport

END_S = 1.0
"""A call that hangs is not waited for any longer at the end."""

P = ParamSpec("P")
T = TypeVar("T")


class Calls:
    """Runs what uses ``transport`` on ``worker``; who takes longer than ``within_s`` is cut off.

    The socket's own time-out is not enough: it starts anew with every byte that drips in.
    """

    def __init__(self, worker: Worker, transport: Transport, *, within_s: float) -> None:
        self._worker, self._transport, self._within_s = worker, transport, within_s

    async def __call__(
        self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
    ) -> T:
        """What ``function`` returns or raises.

        Raises:
            LightUnreachableError: It took too long.
        """

        def begin() -> T:
            self._transport.begin()
            return function(*arguments, **keywords)

        async def called() -> T:
            try:
                return await self._worker(begin)
            except asyncio.CancelledError:
                self._transport.abandon()
                raise

        try:
            return await within(self._within_s, called())
        except TimeoutError:
            raise LightUnreachableError(
                f"the hub at {self._transport.address} did not answer within {self._within_s:g} s"
            ) from None

    async def end(self) -> None:
        """Cut off what still runs, and drop the connection."""
        self._transport.abandon()
        with suppress(TimeoutError):
            await within(END_S, self._worker(self._transport.close))
