"""How bright each LED shines for a look. Pure."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.contract.light import LightState, Rgb
from drivers.looks.brightness import by_gamma, is_lit

if TYPE_CHECKING:
    from drivers.gpio import GpioOptions

CHANNELS: dict[str, tuple[str, ...]] = {
    "rgb": ("red", "green", "blue"),
    "single": ("led",),
    "traffic_light": ("red", "amber", "green"),
}
Levels = Mapping[str, float]
"""Duty cycle by channel, 0 (dark) to 1."""

_PALE = 0.25
"""Below this saturation a colour counts as white."""
_HALF = 128


def levels(state: LightState, options: GpioOptions) -> Levels:
    """The level of each channel for ``state``."""
    channels = CHANNELS[options.layout]
    if not is_lit(state):
        return dict.fromkeys(channels, 0.0)
    if options.layout == "single":
        exact = {"led": state.brightness}
    elif options.layout == "traffic_light":
        lit = traffic_light(state.color)
        exact = {channel: state.brightness * (channel in lit) for channel in channels}
    else:
        exact = {
            channel: part / 255 * state.brightness
            for channel, part in zip(channels, state.color, strict=True)
        }
    if not options.pwm:
        return _on_or_off(exact, state, options)
    return {channel: by_gamma(part, options.gamma) for channel, part in exact.items()}


def traffic_light(color: Rgb) -> frozenset[str]:
    """The lamps for ``color``: the nearest by hue; all three for white and blue, which it lacks."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    degrees = hue * 360
    if saturation < _PALE or 200 <= degrees < 262:  # noqa: PLR2004 - blue and indigo
        return frozenset(CHANNELS["traffic_light"])
    if 15 <= degrees < 70:  # noqa: PLR2004 - orange to yellow
        return frozenset({"amber"})
    if 70 <= degrees < 200:  # noqa: PLR2004 - green to cyan
        return frozenset({"green"})
    return frozenset({"red"})


def _on_or_off(exact: Levels, state: LightState, options: GpioOptions) -> Levels:
    """Without PWM a channel is on when its colour is at least half there, however dim the look."""
    if options.layout != "rgb":
        return {channel: float(value > 0) for channel, value in exact.items()}
    strongest = max(state.color)
    return {
        channel: float(part >= min(_HALF, strongest))
        for channel, part in zip(exact, state.color, strict=True)
    }
