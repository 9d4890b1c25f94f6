"""A strip that takes Adalight frames; none is ever answered.

It goes dark (or WLED back to its own effect) when they stop. Source: WLED wled_serial.cpp, which
goes back 2.5 s after the last frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.contract.light import LightState
from drivers.looks.effects import animation
from drivers.serial_lamp.adalight_frame import encode, frame_s, says_ready
from drivers.serial_lamp.session import Session

if TYPE_CHECKING:
    from drivers.serial_lamp.port import SerialPort

AGAIN_S = 1.0
"""Between two frames that say the same; WLED forgets after 2.5 s, the first sketch after 15 s."""


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
