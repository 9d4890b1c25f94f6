"""The keys of ``[drivers.NAME]`` with ``kind = "gpio"``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from bridge.config.tables.base import Settings
from drivers.looks.brightness import Gamma

Layout = Literal["rgb", "single", "traffic_light"]

CHANNELS: dict[str, tuple[str, ...]] = {
    "rgb": ("red", "green", "blue"),
    "single": ("led",),
    "traffic_light": ("red", "amber", "green"),
}

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
