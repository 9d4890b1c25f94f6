"""The ``hue`` kind: Philips Hue lights and groups through their hub. Loads phue only when opened.

``looks`` and ``api`` are pure; ``transport`` speaks to the hub, ``hub`` is phue over it, ``light``
is what the runner sees, ``pairing`` gets and keeps the hub's key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bridge.config.installation import cure
from bridge.contract.errors import ConfigError
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.hue.keys import Pairings
from drivers.hue.light import FRAME_INTERVAL_S, LIGHT_INTERVAL_S, HueLight
from drivers.hue.options import HueOptions
from drivers.hue.transport import Calls, Transport

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

ANSWER_S = 4.0
"""The longest that a hub may take for one answer."""


@asynccontextmanager
async def opened(
    options: HueOptions, around: Surroundings, *, answer_s: float = ANSWER_S
) -> AsyncIterator[Light]:
    """The light; no hub is asked before its first use."""
    async with _called(options, around, answer_s, within_s=answer_s) as (hub, calls):
        yield HueLight(
            hub,
            calls,
            is_group=options.group is not None,
            transition_s=options.transition,
            clock=around.clock,
        )


async def _pair(options: HueOptions, around: Surroundings) -> None:
    async with _called(options, around, ANSWER_S, within_s=2 * ANSWER_S) as (hub, calls):
        from drivers.hue.pairing import Introduction  # noqa: PLC0415 - it needs the hub, with phue

        introduction = Introduction(
            hub,
            calls,
            Pairings(around.state_dir),
            options,
            name=around.name,
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
        raise ConfigError([f"kind 'hue' cannot be opened: {error}. {cure('hue')}"]) from error
    return Hub(options, transport, Pairings(around.state_dir), name=around.name)


KIND = Kind(
    name="hue",
    options=HueOptions,
    open=opened,
    min_interval_s=LIGHT_INTERVAL_S,
    frame_interval_s=FRAME_INTERVAL_S,
    deadline_s=8.0,
    pair=_pair,
)
