r"""WLED's JSON over serial: an object and ``\n`` out, state and info back.

Source: WLED wled_serial.cpp and json.cpp. It answers only where ``"v": true`` is in the object. An
``fx`` in a segment ends a running playlist. ``pd`` names a preset whose values come with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers.brightness import is_lit, level
from drivers.serial_lamp.session import TRIES, Port, Session
from drivers.wled import NO_NIGHTLIGHT, SOLID, segment

READ = b'{"v":true}\n'
READ_EVERY_S = 10.0
"""Between two readings that find a restart of the board; one is about 2 kB on the line."""
ANSWER_S = 1.5
"""WLED reads with a gap of 0.1 s, and its answer is 0.2 s on the line, more with many segments."""
PAUSE_S = 0.2
RESTART_S = 3.0
"""A WLED that seems to have started so much later than it did before has restarted."""
BUSY = 3
"""The error of a WLED whose buffer is in use (ERR_NOBUF)."""


class Segment(BaseModel):
    """What we look at of a segment; the rest is kept for restoring."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    id: int
    on: bool = True
    fx: int = SOLID
    col: tuple[tuple[int, ...], ...] = ()


class State(BaseModel):
    """``state`` of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    on: bool
    bri: Annotated[int, Field(ge=0, le=255)]
    ps: int = -1
    """The preset that is shown, if any."""
    pl: int = -1
    """The playlist that runs, if any."""
    seg: tuple[Segment, ...]


class Info(BaseModel):
    """``info`` of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    ver: str = "?"
    uptime: int = 0
    """Seconds since the board started."""


class Reply(BaseModel):
    """What WLED is and shows."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    state: State
    info: Info = Field(default_factory=Info)


class Refusal(BaseModel):
    """``{"error": 3}`` instead of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    error: int


_ANSWER: TypeAdapter[Reply | Refusal] = TypeAdapter(
    Reply | Refusal, config=ConfigDict(defer_build=True)
)


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
    asked: dict[str, Any] = {"v": True, "on": is_lit(state), "nl": NO_NIGHTLIGHT}
    if is_lit(state):
        asked["bri"] = level(state)
    asked["seg"] = [{"id": number, **segment(state)} for number in segments]
    return _line(asked)


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


def _line(asked: dict[str, Any]) -> bytes:
    return json.dumps(asked, separators=(",", ":")).encode("ascii") + b"\n"


class WledSession(Session):
    """WLED: the only one of the three that can be read."""

    def __init__(self, port: Port, *, boot_s: float) -> None:
        super().__init__(port, boot_s=boot_s)
        self._last: Reply | None = None
        self._applied: State | None = None
        self._started_s = 0.0

    def start(self) -> None:
        """Wait for the first answer."""
        self._last = self.awaken(READ, parse_reply)
        if self._last is None:
            raise LightUnreachableError(
                "WLED does not answer; is serial on, and are its pins RX and TX free?"
            )

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Tell WLED once; it does effects alone."""
        known = self._last.state.seg if self._last else ()
        reply = self._ask(show(state, [segment.id for segment in known] or [0]))
        if reply.state.on != is_lit(state):
            raise LightUnreachableError("WLED does not show what it was told")
        self._applied, self._started_s = reply.state, elapsed_s - reply.info.uptime

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Read, and tell again when WLED has restarted; what people changed is left."""
        before_s, self._started_s = self._started_s, elapsed_s - self.read().info.uptime
        if self._started_s > before_s + RESTART_S:
            self.show(state, elapsed_s)

    def beat_s(self, _state: LightState, _elapsed_s: float) -> float:
        """A restart is noticed within these."""
        return READ_EVERY_S

    def read(self) -> Reply:
        """What WLED is and shows."""
        return self._ask(READ)

    def snapshot(self) -> dict[str, Any]:
        """What ``restore`` needs."""
        return snapshot(self.read())

    def changed(self) -> bool:
        """Whether an app or a button changed it."""
        applied, last = self._applied, self._last
        return applied is not None and last is not None and not same(applied, last.state)

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        self._ask(restore(snapshot))

    def _ask(self, asked: bytes) -> Reply:
        said = "does not answer"
        for _ in range(TRIES):
            self._port.forget()
            self._port.write(asked)
            reply = self._port.answer(parse, within_s=ANSWER_S)
            if isinstance(reply, Reply):
                self._last = reply
                return reply
            if isinstance(reply, Refusal):
                said = "is busy" if reply.error == BUSY else f"has error {reply.error}"
                self._port.answer(_nothing, within_s=PAUSE_S)
        raise LightUnreachableError(f"WLED {said}")


def _nothing(_: bytes) -> None:
    return None
