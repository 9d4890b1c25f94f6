"""How bright a look is for a device that knows levels. Pure."""

from __future__ import annotations

from bridge.contract.light import LightState


def is_lit(state: LightState) -> bool:
    """Whether anything shines: a black or fully dimmed look is off."""
    return any(state.rgb)


def level(state: LightState, full: int = 255) -> int:
    """Brightness from 1 to ``full``."""
    return max(1, round(state.brightness * full))
