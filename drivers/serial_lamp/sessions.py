"""What is said to a board, from its start to the goodbye, one class a protocol.

Blocks as its port does. Never opens a port, and never raises anything but the errors of lights.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Protocol, TypeVar

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers.effects import frame, next_frame_s
from drivers.serial_lamp import adalight, line, wled

T = TypeVar("T")

ASK_EVERY_S = 1.0
"""A board that starts loses what it is asked; so often it is asked again."""
ACK_S = 0.5
WLED_S = 1.5
"""WLED reads with a gap of 0.1 s, and its answer is 0.2 s on the line, more with many segments."""
WLED_PAUSE_S = 0.2
RESTART_S = 3.0
"""A WLED that seems to have started so much later than it did before has restarted."""
TRIES = 2


class Port(Protocol):
    """An open port."""

    def write(self, data: bytes) -> None:
        """Send; raises LightUnreachableError."""
        ...

    def answer(self, parse: Callable[[bytes], T | None], *, within_s: float) -> T | None:
        """The first line that ``parse`` can read, else ``None``; raises LightUnreachableError."""
        ...

    def forget(self) -> None:
        """Drop what was not read; raises LightUnreachableError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Session(Protocol):
    """One open port and the board behind it; every call raises as ``Light.apply`` does."""

    def start(self) -> None:
        """Wait until the board can be talked to."""
        ...

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Show ``state``, whose effect began ``elapsed_s`` seconds ago."""
        ...

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Keep ``state`` shown, also by a board that has forgotten it."""
        ...

    def beat_s(self, state: LightState, elapsed_s: float) -> float:
        """Seconds until the next beat while ``state`` is shown."""
        ...

    def changed(self) -> bool:
        """Whether the last beat found something else than the last ``show`` left."""
        ...

    def goodbye(self) -> None:
        """Tell the board that silence is on purpose from now on."""
        ...

    def close(self) -> None:
        """Let go of the port; never raises."""
        ...


class _OnPort:
    """What all sessions do with their port."""

    def __init__(self, port: Port, *, boot_s: float) -> None:
        self._port, self._boot_s = port, boot_s

    def _awaken(self, question: bytes, parse: Callable[[bytes], T | None]) -> T | None:
        """Ask until there is an answer, or the board has had the time to start."""
        within_s = min(ASK_EVERY_S, max(ACK_S, self._boot_s))
        for _ in range(max(1, ceil(self._boot_s / ASK_EVERY_S))):
            self._port.write(question)
            if (found := self._port.answer(parse, within_s=within_s)) is not None:
                return found
        return None

    def changed(self) -> bool:
        """Most boards have nobody else who could change them."""
        return False

    def goodbye(self) -> None:
        """Most protocols know none."""

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()


class AdalightSession(_OnPort):
    """Frames for ever; nobody answers. Effects are drawn here, frame by frame."""

    def __init__(self, port: Port, *, leds: int, baud: int, boot_s: float) -> None:
        super().__init__(port, boot_s=boot_s)
        self._leds = leds
        self._interval_s = 1.2 * adalight.frame_s(leds, baud)

    def start(self) -> None:
        """Wait for ``Ada``, or as long as a board takes to start.

        Frames that came earlier would be read by a bootloader, to which ``d`` means "write flash".
        """
        self._port.answer(adalight.says_ready, within_s=self._boot_s)

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Send one frame."""
        self._port.forget()
        self._port.write(self._encoded(state, elapsed_s))

    beat = show

    def beat_s(self, state: LightState, elapsed_s: float) -> float:
        """The next frame of an effect, else often enough for the strip to stay lit."""
        if not state.on or state.effect is Effect.SOLID:
            return adalight.AGAIN_S
        return min(adalight.AGAIN_S, next_frame_s(state, elapsed_s, self._interval_s))

    def _encoded(self, state: LightState, elapsed_s: float) -> bytes:
        shown = frame(state, elapsed_s, self._interval_s)
        return adalight.encode(shown.rgb, self._leds)


class LineSession(_OnPort):
    """Our own sketch: each line is acknowledged with what the board shows."""

    def __init__(self, port: Port, *, boot_s: float) -> None:
        super().__init__(port, boot_s=boot_s)
        self._number = 0

    def start(self) -> None:
        """Wait for the hello of our sketch in a version that we speak."""
        hello = self._awaken(line.HELLO, line.parse_hello)
        if hello is None:
            raise LightUnreachableError(
                "the board does not say hello; is the sketch presence_lamp on it?"
            )
        if (hello.name, hello.version) != (line.NAME, line.VERSION):
            raise LightRefusedError(
                f"the board speaks {hello.name} {hello.version}, not {line.NAME} {line.VERSION}.",
                remedy="Upload the sketch presence_lamp of this release.",
            )

    def show(self, state: LightState, _elapsed_s: float) -> None:
        """Tell the board once; it does effects alone."""
        wanted = line.wanted(state)
        for _ in range(TRIES):
            if self._ask(lambda number: line.show(number, wanted)) == wanted:
                return
        raise LightUnreachableError("the board does not show what it was told")

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Ping, so that the watchdog stays quiet; tell again when the board has restarted."""
        if self._ask(line.ping) != line.wanted(state):
            self.show(state, elapsed_s)

    def beat_s(self, _state: LightState, _elapsed_s: float) -> float:
        """The board's watchdog waits for three of these."""
        return line.PING_S

    def goodbye(self) -> None:
        """After it the board keeps what it shows."""
        self._ask(line.bye)

    def _ask(self, encode: Callable[[int], bytes]) -> line.Shown | None:
        """Send the line with a fresh number and read what the board shows; twice at the most."""
        said = "does not answer"
        for _ in range(TRIES):
            self._number = number = (self._number + 1) % line.NUMBERS
            self._port.write(encode(number))
            reply = self._port.answer(_numbered(number), within_s=ACK_S)
            if reply and not reply.error:
                return reply.shown
            said = f"refuses: {reply.error}" if reply else said
        raise LightUnreachableError(f"the board {said}")


class WledSession(_OnPort):
    """WLED: the only one of the three that can be read."""

    def __init__(self, port: Port, *, boot_s: float) -> None:
        super().__init__(port, boot_s=boot_s)
        self._last: wled.Reply | None = None
        self._told: wled.State | None = None
        self._started_s = 0.0

    def start(self) -> None:
        """Wait for the first answer."""
        self._last = self._awaken(wled.READ, wled.parse_reply)
        if self._last is None:
            raise LightUnreachableError(
                "WLED does not answer; is serial on, and are its pins RX and TX free?"
            )

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Tell WLED once; it does effects alone."""
        known = self._last.state.seg if self._last else ()
        reply = self._ask(wled.show(state, [segment.id for segment in known] or [0]))
        if reply.state.on != wled.is_on(state):
            raise LightUnreachableError("WLED does not show what it was told")
        self._told, self._started_s = reply.state, elapsed_s - reply.info.uptime

    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Read, and tell again when WLED has restarted; what people changed is left."""
        before_s, self._started_s = self._started_s, elapsed_s - self.read().info.uptime
        if self._started_s > before_s + RESTART_S:
            self.show(state, elapsed_s)

    def beat_s(self, _state: LightState, _elapsed_s: float) -> float:
        """A restart is noticed within these."""
        return wled.READ_EVERY_S

    def read(self) -> wled.Reply:
        """What WLED is and shows."""
        return self._ask(wled.READ)

    def snapshot(self) -> dict[str, Any]:
        """What ``restore`` needs."""
        return wled.snapshot(self.read())

    def changed(self) -> bool:
        """Whether an app or a button changed it."""
        told, last = self._told, self._last
        return told is not None and last is not None and not wled.same(told, last.state)

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        self._ask(wled.restore(snapshot))

    def _ask(self, asked: bytes) -> wled.Reply:
        said = "does not answer"
        for _ in range(TRIES):
            self._port.forget()
            self._port.write(asked)
            reply = self._port.answer(wled.parse, within_s=WLED_S)
            if isinstance(reply, wled.Reply):
                self._last = reply
                return reply
            if isinstance(reply, wled.Refusal):
                said = "is busy" if reply.error == wled.BUSY else f"has error {reply.error}"
                self._port.answer(_nothing, within_s=WLED_PAUSE_S)
        raise LightUnreachableError(f"WLED {said}")


def _numbered(number: int) -> Callable[[bytes], line.Reply | None]:
    def parse(heard: bytes) -> line.Reply | None:
        reply = line.parse_reply(heard)
        return reply if reply and reply.number == number else None

    return parse


def _nothing(_: bytes) -> None:
    return None
