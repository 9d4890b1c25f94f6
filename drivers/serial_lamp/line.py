r"""Our own line protocol, version 1: short ASCII lines that end with ``\n``.

To the board                                    From the board
``hello``                                       ``hello presence-lamp 1 pwm``
``show 7 ff0000 pulse 2000``                    ``ok 7 ff0000 pulse 2000``
``ping 8``                                      ``ok 8 ff0000 pulse 2000``
``bye 9``                                       ``ok 9 ff0000 pulse 2000``
                                                ``error 7 color``

The board says ``hello`` by itself when it starts. Each other line carries a number, 0 to 255, that
comes back with what the board shows from then on, so that a garbled line is noticed; ``waiting``
is a board that was told nothing since it started or has shown "no bridge". After ``bye`` it keeps
what it shows, however long it hears nothing.

``hello`` has no letter that the bootloaders of an Arduino take for a command (``d`` writes flash).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Effect, LightState, Rgb
from drivers.serial_lamp.session import ACK_S, TRIES, Session

NAME, VERSION = "presence-lamp", 1
NUMBERS = 256
PING_S = 5.0
"""Between two pings; the board's watchdog waits three of them."""

HELLO = b"\nhello\n"
"""Asks for the hello; the line end before it closes whatever half a line the board holds."""

_HELLO = re.compile(rb"hello (\S+) (\d{1,5}) [a-z0-9-]+")
_OK = re.compile(rb"ok (\d{1,3}) ([0-9a-f]{6}) (solid|blink|pulse|waiting) (\d{1,5})")
_ERROR = re.compile(rb"error (\d{1,3}) ([a-z]+)")


class Shown(NamedTuple):
    """What a board shows."""

    color: Rgb
    effect: Effect
    period_ms: int


class Reply(NamedTuple):
    """The answer to the line of that number."""

    number: int
    shown: Shown | None = None
    """``None`` while the board waits to be told."""
    error: str = ""


def wanted(state: LightState) -> Shown:
    """``state`` as the board is told it: brightness is in the colour, and off is black."""
    effect = state.effect if state.on else Effect.SOLID
    return Shown(state.rgb, effect, round(state.period_s * 1000))


def show(number: int, shown: Shown) -> bytes:
    """The line that asks for ``shown``."""
    color = bytes(shown.color).hex()
    return f"show {number} {color} {shown.effect} {shown.period_ms}\n".encode("ascii")


def parse_hello(line: bytes) -> tuple[str, int] | None:
    """Name and version of the hello that ends ``line``, after what a board that starts wrote."""
    found = _HELLO.search(line.strip())
    if found is None or found.end() != len(line.strip()):
        return None
    name, version = found.groups()
    return name.decode("ascii", "replace"), int(version)


def parse_reply(line: bytes) -> Reply | None:
    """The reply in ``line``; ``None`` for anything else, such as a hello or noise."""
    line = line.strip()
    if found := _ERROR.fullmatch(line):
        return Reply(int(found[1]), error=found[2].decode("ascii"))
    if not (found := _OK.fullmatch(line)):
        return None
    number, color, effect, period = (part.decode("ascii") for part in found.groups())
    if effect == "waiting":
        return Reply(int(number))
    red, green, blue = bytes.fromhex(color)
    return Reply(int(number), Shown((red, green, blue), Effect(effect), int(period)))


class LineSession(Session):
    """Our own sketch: each line is acknowledged with what the board shows."""

    beat_every_s = PING_S
    _number = 0

    def start(self) -> None:
        """Wait for the hello of our sketch in a version that we speak."""
        hello = self.awaken(HELLO, parse_hello)
        if hello is None:
            raise LightUnreachableError(
                "the board does not say hello; is the sketch presence_lamp on it?"
            )
        name, version = hello
        if (name, version) != (NAME, VERSION):
            raise LightRefusedError(
                f"the board speaks {name} {version}, not {NAME} {VERSION}.",
                remedy="Upload the sketch presence_lamp of this release.",
            )

    def show(self, state: LightState, _elapsed_s: float) -> None:
        """Tell the board once; it does effects alone."""
        shown = wanted(state)
        for _ in range(TRIES):
            if self._ask(lambda number: show(number, shown)) == shown:
                return
        raise LightUnreachableError("the board does not show what it was sent")

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Ping, so that the watchdog stays quiet; tell again when the board has restarted."""
        if self._ask(lambda number: b"ping %d\n" % number) != wanted(state):
            self.show(state, elapsed_s)

    def goodbye(self) -> None:
        """After it the board keeps what it shows."""
        self._ask(lambda number: b"bye %d\n" % number)

    def _ask(self, encode: Callable[[int], bytes]) -> Shown | None:
        """Send the line with a fresh number and read what the board shows; twice at the most."""
        said = "does not answer"
        for _ in range(TRIES):
            self._number = number = (self._number + 1) % NUMBERS
            self._port.write(encode(number))
            reply = self._port.answer(partial(_reply_to, number), within_s=ACK_S)
            if reply and not reply.error:
                return reply.shown
            said = f"refuses: {reply.error}" if reply else said
        raise LightUnreachableError(f"the board {said}")


def _reply_to(number: int, heard: bytes) -> Reply | None:
    reply = parse_reply(heard)
    return reply if reply and reply.number == number else None
