"""Lights on the local network: their keys, what answers there, and one that is found anew."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import Settings, host_problem
from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from drivers.base import Light
from drivers.network.network_faults import fault_text
from drivers.registry import without_library

log = logging.getLogger(__name__)

D = TypeVar("D")
T = TypeVar("T")

EVERYBODY = "255.255.255.255"
SEARCH_S, LIST_S, ANSWER_S = 4.0, 3.0, 6.0
"""The longest that one lamp is looked for, that all are, and that a use takes."""
CLOSE_S = 1.0
TRIES = 3
"""So often a question is sent: nothing else notices that a datagram was lost."""

Address = tuple[str, int]
Answer = tuple[bytes, str]
"""What was said, and the IP address of who said it."""


def hardware_address(value: str) -> str:
    """Its digits alone; raises ``ValueError`` for anything else."""
    digits = re.sub("[:-]", "", value).lower()
    if not re.fullmatch("[0-9a-f]{12}", digits):
        raise ValueError("must have 12 digits of 0-9 and a-f, as find shows them")
    return digits


def _ip(value: str) -> str:
    if not value.isascii() or ip_address(value).version != 4:  # noqa: PLR2004 - IPv4
        raise ValueError("must be an address such as 192.0.2.255")
    return value


def _host(value: str) -> str:
    if host_problem(value) or value.startswith("unix:"):
        raise ValueError("must be a name or an address alone; a port is written as port")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
HardwareAddress = Annotated[str, AfterValidator(hardware_address)]
"""A MAC or serial number, as its maker prints it."""


class LanOptions(Settings):
    """One lamp, by what its kind calls it, or by its address."""

    NAMED_BY: ClassVar[tuple[str, ...]]
    """The keys that find a lamp wherever it moves."""

    host: Annotated[str, AfterValidator(_host)] | None = None
    """Where it is never looked for: a fixed address, or another network."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        keys = (*self.NAMED_BY, "host")
        if sum(getattr(self, key) is not None for key in keys) != 1:
            names = " and ".join(f'{key} = "…"' for key in keys)
            raise ValueError(f"needs one of {names}")
        return self

    @property
    def wanted(self) -> str:
        """What the lamp is called here."""
        named = (getattr(self, key) for key in self.NAMED_BY)
        return next((name for name in named if name is not None), self.host or "")


class BroadcastOptions(LanOptions):
    """One that answers a broadcast."""

    broadcast: Annotated[str, AfterValidator(_ip)] = EVERYBODY
    """The broadcast address of another network of this host."""


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

    ``what`` names it for people; ``errors`` are those of its library. ``prepare`` is the first use.
    """

    def __init__(
        self,
        what: str,
        *,
        open_device: Callable[[], Awaitable[D]],
        prepare: Callable[[D], Awaitable[Any]],
        close_device: Callable[[D], Coroutine[Any, Any, None]],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._what, self._open, self._prepare = what, open_device, prepare
        self._close = close_device
        self._errors: tuple[type[Exception], ...] = (OSError, *errors)
        self._device: D | None = None

    @asynccontextmanager
    async def used(self) -> AsyncIterator[D]:
        """The device, opened and prepared, for the block. Raises as ``Light.apply`` does."""
        try:
            async with asyncio.timeout(ANSWER_S):
                try:
                    if self._device is None:
                        self._device = await self._open()
                        await self._prepare(self._device)
                    yield self._device
                except BaseException:  # cancelled too: a late answer would be taken for the next
                    await self.close()
                    raise
        except TimeoutError:
            raise LightUnreachableError(f"{self._what} does not answer") from None
        except self._errors as error:
            raise LightUnreachableError(f"{self._what} {fault_text(error)}") from error

    async def call(self, do: Callable[[D], Coroutine[Any, Any, T]]) -> T:
        """What ``do`` returns for the device. Raises as ``used`` does."""
        async with self.used() as device:
            return await do(device)

    async def device(self) -> D:
        """The device itself. Raises as ``used`` does."""
        async with self.used() as device:
            return device

    async def close(self) -> None:
        """Let the device go; one that hangs is not waited for."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            await within(CLOSE_S, self._close(device))
        except self._errors as error:  # a time-out is an OSError
            log.debug("%s was not closed: %s", self._what, error)


class Closing(Light, Protocol):
    """A light that lets its device go."""

    async def close(self) -> None:
        """Let the device go."""


@asynccontextmanager
async def opened(kind: str, make: Callable[[], Closing]) -> AsyncIterator[Light]:
    """The light that ``make`` makes of an installed library, closed in the end."""
    try:
        light = make()
    except ImportError as error:
        raise without_library(kind, error) from error
    try:
        yield light
    finally:
        await light.close()


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
