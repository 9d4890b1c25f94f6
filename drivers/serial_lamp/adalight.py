r"""Adalight frames: ``Ada``, the number of LEDs, a check byte, then red, green, blue of each.

A frame is never answered; the strip goes dark (or WLED back to its own effect) when they stop.
Source: Adafruit, "Adalight" sketch LEDstream (``Ada\n`` when it starts and while it waits);
WLED wled_serial.cpp, which goes back 2.5 s after the last frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.contract.light import LightState, Rgb
from drivers.looks.effects import animation
from drivers.serial_lamp.session import Session

if TYPE_CHECKING:
    from drivers.serial_lamp.port import SerialPort

MAGIC = b"Ada"
AGAIN_S = 1.0
"""Between two frames that say the same; WLED forgets after 2.5 s, the first sketch after 15 s."""
BITS_A_BYTE = 10
"""8N1: a start bit, eight bits, a stop bit."""


def encode(color: Rgb, leds: int) -> bytes:
    """A frame that gives all ``leds`` (1 to 65536) one colour."""
    high, low = divmod(leds - 1, 256)
    return MAGIC + bytes((high, low, high ^ low ^ 0x55)) + bytes(color) * leds


def frame_s(leds: int, baud: int) -> float:
    """Seconds that a frame is on the line."""
    return (len(MAGIC) + 3 + 3 * leds) * BITS_A_BYTE / baud


def says_ready(line: bytes) -> bool | None:
    """``True`` for the line of a sketch that waits for frames, else ``None``."""
    return True if line.strip().endswith(MAGIC) else None


class AdalightSession(Session):
    """Frames for ever; nobody answers. Effects are drawn here, frame by frame."""

    def __init__(self, port: SerialPort, *, leds: int, baud: int, boot_s: float) -> None:
        super().__init__(port, boot_s=boot_s)
        self._leds = leds
        self._interval_s = 1.2 * frame_s(leds, baud)

    def start(self) -> None:
        """Wait for ``Ada``, or as long as a board takes to start.

        Frames that came earlier would be read by a bootloader, to which ``d`` means "write flash".
        """
        self._port.answer(says_ready, within_s=self._boot_s)

    def show(self, state: LightState, elapsed_s: float) -> None:
        """Send one frame."""
        self._port.forget()
        frame = animation(state, self._interval_s).at(elapsed_s)
        self._port.write(encode(frame.rgb, self._leds))

    beat = show

    def beat_s(self, state: LightState, elapsed_s: float) -> float:
        """The next frame of an effect, else often enough for the strip to stay lit."""
        if not state.on:
            return AGAIN_S
        return min(AGAIN_S, animation(state, self._interval_s).until_next_s(elapsed_s))
