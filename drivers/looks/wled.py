"""WLED's JSON: a look as segments, what it answers, and what brings that back. Pure.

The same by MQTT, by serial and by HTTP, but for what each of them can be asked.

Source: ``FX.cpp`` in WLED's code. Blink takes ``(255 - sx) * 20`` ms and two frames: 0.05 to 5.1 s.
Breathe takes ``65536 / ((sx >> 3) + 10)`` ms: 1.6 to 6.6 s. ``json.cpp``: it answers with its
state only where ``"v": true`` is asked; an ``fx`` in a segment ends a running playlist; ``pd``
names a preset whose values come with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any

from pydantic import AliasPath, ConfigDict, Field

from bridge.contract.light import Effect, LightState
from drivers.looks.brightness import is_lit, level
from drivers.record import Record

SOLID, BLINK, BREATHE = 0, 1, 2
READ = {"v": True}
NO_NIGHTLIGHT = {"on": False}
"""``nl``: else one that somebody started would dim our look."""
RESTART_S = 3.0
"""A WLED that seems to have started so much later than it did before has restarted."""
_FRAME_MS = 24
_HALF = 128


class Segment(Record):
    """What we look at of a segment; the rest is kept for restoring."""

    model_config = ConfigDict(extra="allow")

    id: int
    on: bool = True
    bri: int = 255
    fx: int = SOLID
    col: tuple[tuple[int, ...], ...] = ()


class State(Record):
    """``state`` of a reply."""

    on: bool
    bri: Annotated[int, Field(ge=0, le=255)]
    ps: int = -1
    """The preset that is shown, if any."""
    pl: int = -1
    """The playlist that runs, if any."""
    seg: tuple[Segment, ...]


class Reply(Record):
    """What WLED is and shows."""

    state: State
    uptime: int = Field(default=0, validation_alias=AliasPath("info", "uptime"))
    """Seconds since the board started."""


class Refusal(Record):
    """``{"error": 3}`` instead of a reply."""

    error: int


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


def show(state: LightState, segments: Iterable[int]) -> dict[str, Any]:
    """The object that shows ``state`` on all ``segments``, with the effects of WLED itself."""
    asked: dict[str, Any] = {"on": is_lit(state), "nl": NO_NIGHTLIGHT}
    if is_lit(state):
        asked["bri"] = level(state)
    asked["seg"] = [{"id": number, **segment(state)} for number in segments]
    return asked


def show_alone(state: LightState, segments: Iterable[int]) -> dict[str, Any]:
    """The same for some of several: the others, and the brightness of all, stay as they are."""
    if not is_lit(state):
        return {"seg": [{"id": number, "on": False} for number in segments]}
    shown = segment(state) | {"bri": level(state)}
    return {"on": True, "seg": [{"id": number, **shown} for number in segments]}


def same(one: State, other: State, segments: Collection[int] | None = None) -> bool:
    """Whether both look the same; what an unlit light would show does not count."""
    return one.on == other.on and (not one.on or _look(one, segments) == _look(other, segments))


def snapshot(state: State) -> dict[str, Any]:
    """What ``restore`` needs, as JSON values."""
    return state.model_dump(mode="json")


def restore(snapshot: dict[str, Any], segments: Collection[int] | None = None) -> dict[str, Any]:
    """The object that brings back ``snapshot``: a running playlist, or all that is shown.

    Of some ``segments`` only they are brought back, and the whole strip where it was off.
    """
    state = State.model_validate(snapshot)
    if segments is not None:
        found = [part for part in snapshot["seg"] if part["id"] in segments]
        return {**({} if state.on else {"on": False}), "seg": found}
    if state.on and state.pl > 0:
        return {"ps": state.pl}
    asked: dict[str, Any] = {"on": state.on, "bri": state.bri, "seg": snapshot["seg"]}
    if state.ps > 0:
        asked["pd"] = state.ps
    return asked


def _look(state: State, segments: Collection[int] | None) -> tuple[Any, ...]:
    parts = tuple(part for part in state.seg if segments is None or part.id in segments)
    looks = ((part.id, part.on, part.bri, part.fx, part.col) for part in parts)
    return (state.bri if segments is None else None, *looks)


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
