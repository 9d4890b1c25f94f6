"""The ``hue`` kind: Philips Hue lights and groups through their hub. Loads phue only when opened.

``looks`` and ``api`` are pure; ``transport`` speaks to the hub, ``hub`` is phue over it, ``light``
is what the runner sees, ``events`` is what the hub says by itself, ``link_button`` gets its key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import random
from typing import TYPE_CHECKING

from bridge.contract.errors import LightUnreachableError
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.hue.events import Events
from drivers.hue.light import FRAME_INTERVAL_S, LIGHT_INTERVAL_S, HueLight, Search
from drivers.hue.link_button import pair
from drivers.hue.options import HueOptions
from drivers.hue.search import address_of, find
from drivers.registry import without_library

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

ANSWER_S = 4.0
"""The longest that a hub may be silent; a step of some requests may take half as long on top."""


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
