"""The ``gpio`` kind: LEDs on a Raspberry Pi. gpiozero is imported with the first look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import OnDemand, Worker, closing
from drivers.gpio.levels import levels
from drivers.gpio.options import GpioOptions
from drivers.gpio.pins import Leds, take


class GpioLight:
    """Takes its pins with the first look; ``take`` blocks."""

    def __init__(self, options: GpioOptions, worker: Worker, take: Callable[[], Leds]) -> None:
        self._options = options
        self._leds = OnDemand(worker, take, what="the pins")
        self.close = self._leds.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        wanted = levels(state, self._options)
        await self._leds.use(lambda leds: leds.show(wanted))


@asynccontextmanager
async def _open(options: GpioOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with (
        Worker(f"gpio-{around.name}") as worker,
        closing(GpioLight(options, worker, partial(take, options, around.state_dir))) as light,
    ):
        yield light


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
