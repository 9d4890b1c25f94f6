r"""WLED's JSON over serial: an object and ``\n`` out, state and info back. Pure.

Source: WLED wled_serial.cpp and json.cpp. It answers only where ``"v": true`` is in the object. An
``fx`` in a segment ends a running playlist. ``pd`` names a preset whose values come with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.contract.light import LightState
from drivers.wled import NO_NIGHTLIGHT, SOLID, segment

READ = b'{"v":true}\n'
READ_EVERY_S = 10.0
"""Between two readings that find a restart of the board; one is about 2 kB on the line."""
BUSY = 3
"""The error of a WLED whose buffer is in use (ERR_NOBUF)."""


class Segment(BaseModel):
    """What we look at of a segment; the rest is kept for restoring."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: int
    on: bool = True
    fx: int = SOLID
    col: tuple[tuple[int, ...], ...] = ()


class State(BaseModel):
    """``state`` of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    on: bool
    bri: Annotated[int, Field(ge=0, le=255)]
    ps: int = -1
    """The preset that is shown, if any."""
    pl: int = -1
    """The playlist that runs, if any."""
    seg: tuple[Segment, ...]


class Info(BaseModel):
    """``info`` of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ver: str = "?"
    uptime: int = 0
    """Seconds since the board started."""


class Reply(BaseModel):
    """What WLED is and shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State
    info: Info = Info()


class Refusal(BaseModel):
    """``{"error": 3}`` instead of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    error: int


_ANSWER: TypeAdapter[Reply | Refusal] = TypeAdapter(Reply | Refusal)


def parse(line: bytes) -> Reply | Refusal | None:
    """The answer in ``line``; ``None`` for anything else, such as a board's boot log."""
    start = line.find(b"{")
    if start < 0:
        return None
    try:
        return _ANSWER.validate_json(line[start:])
    except ValidationError:
        return None


def parse_reply(line: bytes) -> Reply | None:
    """The state in ``line``; ``None`` for a refusal too."""
    answer = parse(line)
    return answer if isinstance(answer, Reply) else None


def show(state: LightState, segments: Iterable[int]) -> bytes:
    """The object that shows ``state`` on all ``segments``, with the effects of WLED itself."""
    asked: dict[str, Any] = {"v": True, "on": is_on(state), "nl": NO_NIGHTLIGHT}
    if is_on(state):
        asked["bri"] = _level(state)
    asked["seg"] = [{"id": number, **segment(state)} for number in segments]
    return _line(asked)


def is_on(state: LightState) -> bool:
    """Whether there is anything to see; WLED knows no brightness 0 that is on."""
    return state.on and state.brightness > 0


def same(one: State, other: State) -> bool:
    """Whether both look the same; what an unlit light would show does not count."""
    return one.on == other.on and (not one.on or _look(one) == _look(other))


def snapshot(reply: Reply) -> dict[str, Any]:
    """What ``restore`` needs, as JSON values."""
    return reply.state.model_dump(mode="json")


def restore(snapshot: dict[str, Any]) -> bytes:
    """The object that brings back ``snapshot``: a running playlist, or all that is shown."""
    state = State.model_validate(snapshot)
    if state.on and state.pl > 0:
        return _line({"v": True, "ps": state.pl})
    asked: dict[str, Any] = {"v": True, "on": state.on, "bri": state.bri, "seg": snapshot["seg"]}
    if state.ps > 0:
        asked["pd"] = state.ps
    return _line(asked)


def _look(state: State) -> tuple[Any, ...]:
    return (state.bri, *((part.id, part.on, part.fx, part.col) for part in state.seg))


def _level(state: LightState) -> int:
    return max(1, round(state.brightness * 255))


def _line(asked: dict[str, Any]) -> bytes:
    return json.dumps(asked, separators=(",", ":")).encode("ascii") + b"\n"
