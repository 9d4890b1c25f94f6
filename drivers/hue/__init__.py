"""The ``hue`` kind: Philips Hue lights and groups through their hub. Loads phue only when opened.

``looks`` and ``api`` are pure; ``transport`` speaks to the hub, ``hub`` is phue over it, ``light``
is what the runner sees, ``pairing`` gets and keeps the hub's key.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import random
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.broker.mdns import announced
from bridge.config.tables.base import Settings
from bridge.contract.errors import LightUnreachableError
from drivers.base import Found, Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.hue.events import Events
from drivers.hue.light import FRAME_INTERVAL_S, LIGHT_INTERVAL_S, HueLight, Search
from drivers.hue.pairing import Introduction, Pairings
from drivers.hue.transport import Calls, Transport
from drivers.registry import without_library

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

ANSWER_S, SEARCH_S = 4.0, 2.0
"""The longest that a hub may take for one answer, and that it is searched for."""
SERVICE = "_hue._tcp.local."
_HTTP, _HTTPS = 80, 443
_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?")

_ID = re.compile(r"[0-9a-fA-F]{16}")


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if not match or not 0 < int(match["port"] or 1) < 65536:  # noqa: PLR2004 - a port
        raise ValueError("write an address such as 192.0.2.7, hub.lan:8443 or [fe80::1]")
    return value.lower() if _ID.fullmatch(value) else value


Address = Annotated[str, AfterValidator(_address)]
"""A name or an IP address, with ``:port`` where it is not the usual one, or the hub's id."""
NameOrId = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]
"""As the Hue app shows it, or the hub's number."""


class HueOptions(Settings):
    """One light or one group of one hub."""

    hub: Address
    light: NameOrId | None = None
    group: NameOrId | None = None
    """A room, a zone or another group; 0 is all lights of the hub."""
    protocol: Literal["auto", "https", "http"] = "auto"
    """``auto`` pairs over https where the hub has it, and stays with what was paired."""
    transition: Annotated[float, Field(ge=0, le=10)] = 0.4
    """Seconds that a change of the look takes, in steps of 0.1."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.light is None) == (self.group is None):
            raise ValueError('needs either light = "…" or group = "…"')
        return self

    @property
    def hub_id(self) -> str | None:
        """The hub's id, where it is named by that: it is then searched for."""
        return self.hub if _ID.fullmatch(self.hub) else None

    @property
    def wanted(self) -> int | str:
        """The name or id of the light or group."""
        found = self.light if self.light is not None else self.group
        assert found is not None
        return found


async def address_of(hub_id: str) -> str | None:
    """Where the hub with that id is, if it answers in this network."""
    async with aclosing(find(within_s=SEARCH_S)) as hubs:
        async for hub in hubs:
            if hub.options["hub"] == hub_id:
                return hub.address
    return None


async def find(at: str | None = None, *, within_s: float = SEARCH_S) -> AsyncGenerator[Found, None]:
    """Each hub that announces itself; ``at`` is the address of the only one to be named."""
    async with aclosing(announced(SERVICE, within_s=within_s)) as services:
        async for service in services:
            hub_id = service.texts.get("bridgeid", "").lower()
            if not (_ID.fullmatch(hub_id) and service.port and service.hosts):
                continue
            ip = service.hosts[0]
            host = f"[{ip}]" if ":" in ip else ip
            address = host if service.port in (_HTTP, _HTTPS) else f"{host}:{service.port}"
            if at in (None, address, host):
                about = f"hub {hub_id}, model {service.texts.get('modelid', 'unknown')}"
                yield Found(service.name, address, about, {"hub": hub_id, "light": "?"})


@asynccontextmanager
async def opened(
    options: HueOptions,
    around: Surroundings,
    *,
    answer_s: float = ANSWER_S,
    search: Search = address_of,
) -> AsyncIterator[Light]:
    """The light; no hub is asked before its first use."""
    async with (
        _called(options, around, answer_s, within_s=answer_s) as (hub, calls),
        Worker(f"hue-{around.name}-events") as ear,
    ):
        events = Events(ear, answer_s=answer_s, clock=around.clock, random=random)
        try:
            yield HueLight(
                hub,
                calls,
                events,
                search=search,
                is_group=options.group is not None,
                transition_s=options.transition,
                clock=around.clock,
            )
        finally:
            await events.end()


async def _pair(options: HueOptions, around: Surroundings, *, search: Search = address_of) -> None:
    async with _called(options, around, ANSWER_S, within_s=2 * ANSWER_S) as (hub, calls):
        address = await search(options.hub_id) if options.hub_id else None
        if options.hub_id and address is None:
            raise LightUnreachableError(f"no hub {options.hub_id} answers in this network")
        await calls(hub.move, address)
        introduction = Introduction(
            hub,
            calls,
            Pairings(around.state_dir),
            name=around.name,
            protocol=options.protocol,
            clock=around.clock,
            say=lambda line: print(line, flush=True),  # noqa: T201 - the command's answer
        )
        await introduction.pair()


@asynccontextmanager
async def _called(
    options: HueOptions, around: Surroundings, answer_s: float, *, within_s: float
) -> AsyncIterator[tuple[Hub, Calls]]:
    """The hub, and what calls it within ``within_s`` on a thread of its own."""
    transport = Transport(options.hub, timeout_s=answer_s)
    async with Worker(f"hue-{around.name}") as worker:
        hub = await worker(_hub, options, transport, around)
        calls = Calls(worker, transport, within_s=within_s)
        try:
            yield hub, calls
        finally:
            await calls.end()


def _hub(options: HueOptions, transport: Transport, around: Surroundings) -> Hub:
    try:
        from drivers.hue.hub import Hub  # noqa: PLC0415 - loads phue
    except ImportError as error:
        raise without_library("hue", error) from error
    return Hub(options, transport, Pairings(around.state_dir), name=around.name)


KIND = Kind(
    name="hue",
    options=HueOptions,
    open=opened,
    min_interval_s=LIGHT_INTERVAL_S,
    frame_interval_s=FRAME_INTERVAL_S,
    deadline_s=8.0,
    pair=_pair,
    find=find,
)
