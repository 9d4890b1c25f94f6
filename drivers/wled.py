"""A look as a segment of WLED's JSON state; the same by MQTT and by serial. Pure.

Source: ``FX.cpp`` in WLED's code. Blink takes ``(255 - sx) * 20`` ms and two frames: 0.05 to 5.1 s.
Breathe takes ``65536 / ((sx >> 3) + 10)`` ms: 1.6 to 6.6 s.
"""

from __future__ import annotations

from typing import Any

from bridge.contract.light import Effect, LightState

SOLID, BLINK, BREATHE = 0, 1, 2
NO_NIGHTLIGHT = {"on": False}
"""``nl``: else one that somebody started would dim our look."""
_FRAME_MS = 24
_HALF = 128


def segment(state: LightState) -> dict[str, Any]:
    """A segment that shows ``state`` at full brightness, whatever anybody has made of it before.

    Its own switch, brightness and freeze are undone, and naming ``fx`` ends a playlist.
    """
    number, speed = _effect(state)
    return {
        "on": True,
        "frz": False,
        "bri": 255,
        "fx": number,
        "sx": speed,
        "ix": _HALF,
        "pal": 0,
        "col": [list(state.color), [0, 0, 0], [0, 0, 0]],
    }


def _effect(state: LightState) -> tuple[int, int]:
    """Number and speed (``fx`` and ``sx``) with the nearest period that WLED can do."""
    period_ms = state.period_s * 1000
    if state.effect is Effect.BLINK:
        return BLINK, _byte(255 - (period_ms - 2 * _FRAME_MS) / 20)
    if state.effect is Effect.PULSE:
        return BREATHE, _byte(round(65536 / period_ms - 10) * 8)
    return SOLID, _HALF


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))
