r"""WLED's JSON over serial: an object and ``\n`` out, state and info back.

Source: ``wled_serial.cpp`` in WLED's code.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers.looks import wled
from drivers.looks.brightness import is_lit
from drivers.looks.wled import READ, RESTART_S, Refusal, Reply, State
from drivers.serial_lamp.session import TRIES, Session

READ_EVERY_S = 10.0
"""Between two readings that find a restart of the board; one is about 2 kB on the line."""
ANSWER_S = 1.5
"""WLED reads with a gap of 0.1 s, and its answer is 0.2 s on the line, more with many segments."""
PAUSE_S = 0.2
BUSY = 3
"""The error of a WLED whose buffer is in use (ERR_NOBUF)."""


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


def line(asked: dict[str, Any]) -> bytes:
    """``asked`` as it goes over the line."""
    return json.dumps(READ | asked, separators=(",", ":")).encode("ascii") + b"\n"


class WledSession(Session):
    """WLED: the only one of the three that can be read."""

    beat_every_s = READ_EVERY_S
    _last: Reply | None = None
    _applied: State | None = None
    _started_s = 0.0

    def start(self) -> None:
        """Wait for the first answer."""
        self._last = self.awaken(line(READ), parse_reply)
        if self._last is None:
            raise LightUnreachableError(
                "WLED does not answer; is serial on, and are its pins RX and TX free?"
            )

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Tell WLED once; it does effects alone."""
        known = self._last.state.seg if self._last else ()
        reply = self._ask(wled.show(state, [segment.id for segment in known] or [0]))
        if reply.state.on != is_lit(state):
            raise LightUnreachableError("WLED does not show what it was sent")
        self._applied, self._started_s = reply.state, elapsed_s - reply.uptime

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Read, and tell again when WLED has restarted; what people changed is left."""
        before_s, self._started_s = self._started_s, elapsed_s - self._ask(READ).uptime
        if self._started_s > before_s + RESTART_S:
            self.show(state, elapsed_s)

    def snapshot(self) -> dict[str, Any]:
        """What ``restore`` needs."""
        return wled.snapshot(self._ask(READ).state)

    def changed(self) -> bool:
        """Whether an app or a button changed it."""
        applied, last = self._applied, self._last
        return applied is not None and last is not None and not wled.same(applied, last.state)

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        self._ask(wled.restore(snapshot))

    def _ask(self, asked: dict[str, Any]) -> Reply:
        said = "does not answer"
        for _ in range(TRIES):
            self._port.forget()
            self._port.write(line(asked))
            reply = self._port.answer(parse, within_s=ANSWER_S)
            if isinstance(reply, Reply):
                self._last = reply
                return reply
            if isinstance(reply, Refusal):
                said = "is busy" if reply.error == BUSY else f"has error {reply.error}"
                self._port.answer(lambda _: None, within_s=PAUSE_S)
        raise LightUnreachableError(f"WLED {said}")
