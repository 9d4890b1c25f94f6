"""Blink and pulse for lights that cannot do them alone, frame by frame. Pure; never waits."""

from __future__ import annotations

import math

from bridge.contract.light import OFF, Effect, LightState

STEPS_A_SECOND = 12.0
"""Enough for a pulse to look smooth."""
LOWEST = 0.15
"""A pulse never goes quite dark, so that it cannot be taken for a blink."""


def frame(state: LightState, elapsed_s: float) -> LightState:
    """The solid state that ``state`` has ``elapsed_s`` seconds after it began."""
    phase = (elapsed_s % state.period_s) / state.period_s
    if state.effect is Effect.BLINK:
        return _solid(state) if phase < 0.5 else OFF  # noqa: PLR2004 - the second half
    if state.effect is Effect.PULSE:
        swell = LOWEST + (1.0 - LOWEST) * (1.0 + math.cos(2 * math.pi * phase)) / 2
        return _solid(state, state.brightness * swell)
    return state


def frame_interval_s(state: LightState, min_interval_s: float) -> float:
    """Seconds between two frames: as smooth as the light stands, never quicker."""
    if state.effect is Effect.BLINK:
        return max(min_interval_s, state.period_s / 2)
    return max(min_interval_s, 1.0 / STEPS_A_SECOND)


def _solid(state: LightState, brightness: float | None = None) -> LightState:
    return state.model_copy(
        update={
            "effect": Effect.SOLID,
            "brightness": state.brightness if brightness is None else round(brightness, 3),
        }
    )
