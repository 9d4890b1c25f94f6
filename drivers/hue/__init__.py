"""The ``hue`` kind: Philips Hue lights and groups through their hub. Loads phue only when opened.

``looks`` and ``api`` are pure; ``transport`` speaks to the hub, ``hub`` is phue over it, ``light``
is what the runner sees, ``events`` is what the hub says by itself, ``pairing`` gets its key.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import random
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import Settings
from bridge.contract.errors import LightUnreachableError
from drivers.base import Found, Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.hue.events import Events
from drivers.hue.light import FRAME_INTERVAL_S, LIGHT_INTERVAL_S, HueLight, Search
from drivers.hue.pairing import pair
from drivers.network.announced_lights import lights
from drivers.registry import without_library

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

ANSWER_S = 4.0
"""The longest that a hub may be silent; a step of some requests may take half as long on top."""
SERVICE = "_hue._tcp.local."
_HUB_ID = re.compile(r"[0-9a-fA-F]{16}")
_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?")


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if not match or not 0 < int(match["port"] or 1) < 65536:  # noqa: PLR2004 - a port
        raise ValueError("write an address such as 192.0.2.7, hub.lan:8443 or [fe80::1]")
    return value.lower() if _HUB_ID.fullmatch(value) else value


NameOrNumber = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]
"""As the Hue app shows it, or the hub's number."""


class HueOptions(Settings):
    """One light or one group of one hub."""

    hub: Annotated[str, AfterValidator(_address)]
    """A name or an IP address, with ``:port`` where it is not the usual one, or the hub's id."""
    light: NameOrNumber | None = None
    group: NameOrNumber | None = None
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
        return self.hub if _HUB_ID.fullmatch(self.hub) else None

    @property
    def wanted(self) -> int | str:
        """The name or number of the light or group."""
        found = self.light if self.light is not None else self.group
        assert found is not None
        return found


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each hub that announces itself; ``at`` is the address of the only one to be named."""
    async with aclosing(lights(SERVICE, at, usual_ports=(80, 443))) as heard:
        async for address, said in heard:
            hub_id = said.texts.get("bridgeid", "").lower()
            if _HUB_ID.fullmatch(hub_id):
                about = f"hub {hub_id}, model {said.texts.get('modelid', 'unknown')}"
                yield Found(said.name, address, about, {"hub": hub_id, "light": "?"})


async def address_of(hub_id: str) -> str | None:
    """Where the hub with that id is, if it answers in this network."""
    async with aclosing(find()) as hubs:
        async for hub in hubs:
            if hub.options["hub"] == hub_id:
                return hub.address
    return None


@asynccontextmanager
async def opened(
    options: HueOptions,
    around: Surroundings,
    *,
    answer_s: float = ANSWER_S,
    search: Search = address_of,
) -> AsyncIterator[Light]:
    """The light; no hub is called before its first use."""
    async with (
        _hub_of(options, around, answer_s, within_s=1.5 * answer_s) as hub,
        Worker(f"hue-{around.name}-events") as ear,
    ):
        events = Events(ear, answer_s=answer_s, clock=around.clock, random=random)
        try:
            yield HueLight(options, hub, events, search=search, clock=around.clock)
        finally:
            await events.end()


async def _pair(options: HueOptions, around: Surroundings) -> None:
    async with _hub_of(options, around, ANSWER_S, within_s=2 * ANSWER_S) as hub:
        address = await address_of(options.hub_id) if options.hub_id else None
        if options.hub_id and address is None:
            raise LightUnreachableError(f"no hub {options.hub_id} answers in this network")
        await hub.call(hub.move, address)
        await pair(hub, around.name, options.protocol, around.clock)


@asynccontextmanager
async def _hub_of(
    options: HueOptions, around: Surroundings, answer_s: float, *, within_s: float
) -> AsyncIterator[Hub]:
    """The hub on a thread of its own; each ``call`` of it ends within ``within_s``."""

    def loaded() -> Hub:
        try:
            from drivers.hue.hub import Hub  # noqa: PLC0415 - loads phue
        except ImportError as error:
            raise without_library("hue", error) from error
        hub = Hub(options, around, worker, answer_s=answer_s, within_s=within_s)
        hub.start()
        return hub

    async with Worker(f"hue-{around.name}") as worker:
        hub = await worker(loaded)
        try:
            yield hub
        finally:
            await hub.end()


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
