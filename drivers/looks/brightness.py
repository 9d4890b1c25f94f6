"""How bright a look is for a device that knows levels. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from bridge.contract.light import LightState, Rgb

Gamma = Annotated[float, Field(ge=1, le=4)]
"""The exponent from how bright a light seems to how much of the time it is lit."""


def is_lit(state: LightState) -> bool:
    """Whether anything shines: a black or fully dimmed look is off."""
    return any(state.rgb)


def level(state: LightState, full: int = 255) -> int:
    """Brightness from 1 to ``full``."""
    return max(1, round(state.brightness * full))


def apart(state: LightState) -> tuple[Rgb, LightState]:
    """The colour as bright as it gets, and a look whose brightness has the rest.

    For lights that take a colour as a hue alone; ``state`` must be lit.
    """
    brightest = max(state.color)
    red, green, blue = (round(channel * 255 / brightest) for channel in state.color)
    dimmed = state.model_copy(update={"brightness": state.brightness * brightest / 255})
    return (red, green, blue), dimmed


def in_steps(parts: Sequence[float], gamma: float) -> tuple[int, ...]:
    """How far each LED is lit, of 255, to seem as bright as in ``parts``, 0 to 1 each.

    What is lit is never all dark: a step is the least that an LED of these can.
    """
    steps = [round(by_gamma(part, gamma) * 255) for part in parts]
    if not any(steps) and any(parts):
        steps[parts.index(max(parts))] = 1
    return tuple(steps)


def by_gamma(level: float, gamma: float) -> float:
    """How much of the time an LED is lit to seem ``level`` bright, 0 to 1 each."""
    return float(level**gamma)
