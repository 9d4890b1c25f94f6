"""Blink and pulse for lights that cannot do them alone, frame by frame. Pure."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from bridge.contract.light import OFF, Effect, LightState

STEPS_A_SECOND = 12.0
"""Enough for a pulse to look smooth."""
FEWEST_STEPS = 4
"""Of a pulse that is drawn in steps: with two it would be a blink."""
LOWEST = 0.15
"""A pulse never goes quite dark, so that it cannot be taken for a blink."""
_GRAIN_S = 0.02


class Animation(NamedTuple):
    """Solid states that are shown in turn, each for ``step_s`` seconds."""

    state: LightState
    frames: tuple[LightState, ...]
    step_s: float
    fades: bool = False
    """Each frame is reached evenly over its step, by the light itself."""

    @property
    def fade_s(self) -> float:
        """How long the light fades to a frame."""
        return self.step_s if self.fades else 0.0

    def at(self, elapsed_s: float) -> LightState:
        """The frame that is due ``elapsed_s`` seconds after the first."""
        return self.frames[int(elapsed_s / self.step_s) % len(self.frames)]

    def until_next_s(self, elapsed_s: float) -> float:
        """Seconds from then to the frame after it."""
        return self.step_s - elapsed_s % self.step_s

    def paced(self, step_s: float, fade_s: float) -> Animation:
        """The same for a light that now needs ``step_s`` a frame."""
        rounded_s = math.ceil(step_s / _GRAIN_S - 1e-6) * _GRAIN_S  # not another one each time
        return self if rounded_s <= self.step_s else animation(self.state, rounded_s, fade_s)

    def place_of(self, number: int, among: Animation) -> int:
        """The frame of this one that is at the place of ``number`` among those of another."""
        count = len(among.frames)
        return round(number % count / count * len(self.frames))


class Playback:
    """An animation that is shown frame by frame, as quickly as the light takes them."""

    def __init__(self, usual: Animation, now_s: float) -> None:
        self._usual = self.animation = usual
        self.number, self.due_s = 0, now_s
        """The next frame, and when it is due (monotonic seconds)."""
        self._last_s = 0.0

    @property
    def frame(self) -> LightState:
        """The next frame."""
        return self.animation.frames[self.number % len(self.animation.frames)]

    def shown(self, began_s: float, now_s: float, *, interval_s: float, fade_s: float) -> None:
        """It is shown; the light wants ``interval_s`` between two, and fades in ``fade_s``.

        A light that was slow twice gets longer steps: were frames left out, a blink could stand.
        """
        took_s, self._last_s = min(self._last_s, now_s - began_s), now_s - began_s
        before, self.animation = self.animation, self._usual.paced(interval_s + took_s, fade_s)
        self.number = 1 + self.animation.place_of(self.number, before)
        self.due_s = max(self.due_s + self.animation.step_s, now_s)


@lru_cache(maxsize=2)
def animation(state: LightState, interval_s: float = 0.0, fade_s: float = math.inf) -> Animation:
    """The frames of ``state`` for a light that takes one every ``interval_s`` seconds.

    A light that fades by itself over ``fade_s`` or longer needs two frames a period. The period is
    stretched to what the light can do: were frames left out, a blink could stand dark.
    """
    if state.effect is Effect.SOLID:
        return Animation(state, (state,), math.inf)
    half_s = max(state.period_s / 2, interval_s)
    if state.effect is Effect.BLINK:
        return Animation(state, (_solid(state), OFF), half_s)
    if half_s >= fade_s:
        return Animation(state, (_swelling(state, 0.0), _swelling(state, 0.5)), half_s, fades=True)
    step_s = max(interval_s, 1.0 / STEPS_A_SECOND)
    count = max(FEWEST_STEPS, int(state.period_s / step_s + 1e-9))
    frames = tuple(_swelling(state, number / count) for number in range(count))
    return Animation(state, frames, max(step_s, state.period_s / count))


def _swelling(state: LightState, phase: float) -> LightState:
    swell = LOWEST + (1.0 - LOWEST) * (1.0 + math.cos(2 * math.pi * phase)) / 2
    return _solid(state, round(state.brightness * swell, 3))


def _solid(state: LightState, brightness: float | None = None) -> LightState:
    level = state.brightness if brightness is None else brightness
    return state.model_copy(update={"effect": Effect.SOLID, "brightness": level})
