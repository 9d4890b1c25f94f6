"""The ``gpio`` kind: LEDs on a Raspberry Pi. gpiozero is imported with the first look."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from bridge.config.tables.base import Settings
from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import OnDemand
from drivers.gpio.levels import CHANNELS, levels
from drivers.gpio.pins import Leds, take
from drivers.looks.brightness import Gamma

Layout = Literal["rgb", "single", "traffic_light"]

_HIGHEST_GPIO = 27
_PIN = re.compile(r"(?:GPIO|BCM)(\d{1,2})|((?:BOARD|J8:)\d{1,2})", re.IGNORECASE)


def parse_pin(value: Any) -> str:
    """Read ``17``, ``"GPIO17"`` or, by its place on the header, ``"BOARD11"``."""
    match = _PIN.fullmatch(value) if isinstance(value, str) else None
    if match and match.group(2):
        return match.group(2).upper()
    number = int(match.group(1)) if match else value
    if type(number) is not int or not 0 <= number <= _HIGHEST_GPIO:
        raise ValueError('is not a pin: write a GPIO number from 0 to 27, or "BOARD11"')
    return f"GPIO{number}"


Pin = Annotated[str, BeforeValidator(parse_pin)]


class GpioOptions(Settings):
    """LEDs on the header of a Raspberry Pi."""

    layout: Layout = "rgb"
    pins: dict[str, Pin]
    """``{ red = 17, green = 27, blue = 22 }``; ``led``, or ``red``, ``amber`` and ``green``."""
    common: Literal["cathode", "anode"] = "cathode"
    """What the LEDs share: ground (a high pin lights) or the supply (a low pin lights)."""
    pwm: bool = True
    """Brightness by pulse width; ``false`` for relays and whatever only knows on and off."""

    gamma: Gamma = 2.2
    """How the eye sees brightness; 1 sends it as it is. For PWM alone."""

    @model_validator(mode="after")
    def _pins_fit_the_layout(self) -> Self:
        wanted = CHANNELS[self.layout]
        if set(self.pins) != set(wanted):
            raise ValueError(f'pins: layout = "{self.layout}" needs {", ".join(wanted)}')
        used: dict[str, str] = {}
        for channel, pin in self.pins.items():
            if pin in used:
                raise ValueError(f"pins: {used[pin]} and {channel} are both on {pin}")
            used[pin] = channel
        return self


class GpioLight:
    """Takes its pins with the first look."""

    def __init__(self, options: GpioOptions, leds: OnDemand[Leds]) -> None:
        self._options, self._leds = options, leds

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        wanted = levels(state, self._options)
        await self._leds.use(lambda leds: leds.show(wanted))


@asynccontextmanager
async def _open(options: GpioOptions, around: Surroundings) -> AsyncIterator[Light]:
    pins = partial(take, options, around.state_dir)
    async with OnDemand(f"gpio-{around.name}", pins, what="the pins") as leds:
        yield GpioLight(options, leds)


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
