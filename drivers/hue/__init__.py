"""The ``hue`` kind: Philips Hue lights and groups through their hub. Loads phue only when opened.

``color``, ``records`` and ``reply`` are pure; ``transport`` speaks to the hub, ``hub`` holds phue,
``light`` is what the runner sees, ``pairing`` and ``pair`` get and keep the hub's key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bridge.contract.errors import ConfigError
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.hue.calls import Calls
from drivers.hue.light import FRAME_INTERVAL_S, LIGHT_INTERVAL_S, HueLight
from drivers.hue.options import HueOptions
from drivers.hue.pairing import Pairings
from drivers.hue.transport import Transport

if TYPE_CHECKING:
    from drivers.hue.hub import Hub
    from drivers.hue.pair import Introduction

ANSWER_S = 4.0
"""The longest that a hub may take for one answer."""


@asynccontextmanager
async def opened(
    options: HueOptions, around: Surroundings, *, answer_s: float = ANSWER_S
) -> AsyncIterator[Light]:
    """The light; no hub is asked before its first use."""
    transport = Transport(options.hub, timeout_s=answer_s)
    async with Worker(f"hue-{around.name}") as worker:
        hub = await worker(_hub, options, transport, around)
        calls = Calls(worker, transport, within_s=answer_s)
        try:
            yield HueLight(
                hub,
                calls,
                is_group=options.group is not None,
                transition_s=options.transition,
                clock=around.clock,
            )
        finally:
            await calls.end()


async def _pair(options: HueOptions, around: Surroundings) -> None:
    transport = Transport(options.hub, timeout_s=ANSWER_S)
    async with Worker(f"hue-{around.name}") as worker:
        introduction = await worker(_introduction, options, transport, around)
        calls = Calls(worker, transport, within_s=2 * ANSWER_S)
        try:
            await introduction.pair(calls)
        finally:
            await calls.end()


def _hub(options: HueOptions, transport: Transport, around: Surroundings) -> Hub:
    try:
        from drivers.hue.hub import Hub  # noqa: PLC0415 - loads phue
    except ImportError as error:
        raise _lacking(error) from error
    return Hub(options, transport, Pairings(around.state_dir), name=around.name)


def _introduction(options: HueOptions, transport: Transport, around: Surroundings) -> Introduction:
    try:
        from drivers.hue.pair import Introduction  # noqa: PLC0415 - loads phue
    except ImportError as error:
        raise _lacking(error) from error
    return Introduction(
        options,
        transport,
        Pairings(around.state_dir),
        name=around.name,
        clock=around.clock,
        say=lambda line: print(line, flush=True),  # noqa: T201 - the command's answer
    )


def _lacking(error: ImportError) -> ConfigError:
    cure = "install it with: pip install 'presence-bridge[hue]'"
    return ConfigError([f"kind 'hue' cannot be opened: {error}; {cure}"])


KIND = Kind(
    name="hue",
    options=HueOptions,
    open=opened,
    min_interval_s=LIGHT_INTERVAL_S,
    frame_interval_s=FRAME_INTERVAL_S,
    deadline_s=8.0,
    pair=_pair,
)
