"""Lights on the local network: what answers there, and one that is found anew when it is lost."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from drivers.network_faults import fault_text

log = logging.getLogger(__name__)

D = TypeVar("D")
T = TypeVar("T")

CLOSE_S = 1.0
TRIES = 3
"""So often a question is sent: nothing else notices that a datagram was lost."""

Address = tuple[str, int]
Answer = tuple[bytes, str]
"""What was said, and the IP address of who said it."""


async def answers(question: bytes, to: Address, *, within_s: float) -> AsyncGenerator[Answer, None]:
    """What answers a datagram that is sent to an address of all, as it comes.

    The address may be a broadcast, a multicast, or that of one device.
    """
    heard: asyncio.Queue[Answer] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(heard), sock=_everywhere())
    try:
        for _ in range(TRIES):
            transport.sendto(question, to)
            ends_s = loop.time() + within_s / TRIES
            while (left_s := ends_s - loop.time()) > 0:
                try:
                    yield await within(left_s, heard.get())
                except TimeoutError:
                    break
    finally:
        transport.close()


class OverNetwork(Generic[D]):
    """A device that is opened when it is used, and found anew after a use that failed.

    ``what`` names it for people; ``errors`` are those of its library. Opening and a use together
    take ``within_s`` at most.
    """

    def __init__(
        self,
        what: str,
        *,
        open_device: Callable[[], Awaitable[D]],
        close_device: Callable[[D], Awaitable[None]],
        errors: tuple[type[Exception], ...],
        within_s: float,
    ) -> None:
        self._what, self._open, self._close = what, open_device, close_device
        self._errors: tuple[type[Exception], ...] = (OSError, *errors)
        self._within_s = within_s
        self._device: D | None = None

    async def call(self, do: Callable[[D], Coroutine[Any, Any, T]]) -> T:
        """What ``do`` returns for the device.

        Raises:
            LightUnreachableError: It was not found, or did not answer in time.
        """
        try:
            return await within(self._within_s, self._called(do))
        except TimeoutError:
            raise LightUnreachableError(f"{self._what} does not answer") from None
        except self._errors as error:
            raise LightUnreachableError(f"{self._what} {fault_text(error)}") from error

    async def close(self) -> None:
        """Let the device go; one that hangs is not waited for."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            await within(CLOSE_S, _awaited(self._close(device)))
        except self._errors as error:  # a time-out is an OSError
            log.debug("%s was not closed: %s", self._what, error)

    async def _called(self, do: Callable[[D], Coroutine[Any, Any, T]]) -> T:
        if self._device is None:
            self._device = await self._open()
        try:
            return await do(self._device)
        except BaseException:  # a cancelled use too: a late answer would be taken for the next one
            await self.close()
            raise


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Queue[Answer]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._heard.put_nowait((data, str(addr[0])))


def _everywhere() -> socket.socket:
    """A socket on a port of its own, so that several drivers on one host may ask at once."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
    sock.setblocking(False)  # noqa: FBT003 - the value itself
    sock.bind(("", 0))
    return sock


async def _awaited(work: Awaitable[T]) -> T:
    return await work
