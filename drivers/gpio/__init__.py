"""The ``gpio`` kind: LEDs on a Raspberry Pi. gpiozero is imported with the first look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.gpio.light import GpioLight
from drivers.gpio.options import GpioOptions
from drivers.gpio.pins import take


@asynccontextmanager
async def _open(options: GpioOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"gpio-{around.name}") as worker:
        light = GpioLight(options, worker, partial(take, options, around.state_dir))
        try:
            yield light
        finally:
            await light.close()


def tailored(options: GpioOptions) -> Kind[GpioOptions]:
    """The kind as the LEDs of ``options`` make it: one LED has no colours."""
    dimmed = "brightness" if options.pwm else "onoff"
    mode = dimmed if options.layout == "single" else "rgb"
    return replace(KIND, color_modes=frozenset({mode}))


KIND = Kind(
    name="gpio",
    options=GpioOptions,
    open=_open,
    tailored=tailored,
    min_interval_s=0.04,
)
