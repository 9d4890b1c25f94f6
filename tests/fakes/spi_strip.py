"""A strip of WS2812B on an SPI line: reads the pulses, and refuses what its data sheet refuses."""

from __future__ import annotations

import errno
from collections.abc import Sequence


class SpiStrip:
    """What ``spidev.SpiDev`` is to its user, with LEDs at the other end."""

    def __init__(self, *, leds: int | None = None, colours: int = 3) -> None:
        self.frames: list[list[tuple[int, ...]]] = []
        self.broken = False
        self.max_speed_hz = 500_000
        self.opened: tuple[int, int] | None = None
        self._leds, self._colours = leds, colours

    def open(self, bus: int, device: int) -> None:
        if self.broken:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        self.opened = (bus, device)

    def xfer3(self, data: Sequence[int]) -> None:
        if self.broken:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        assert self.opened
        bits = [self._bit(pulse) for pulse in data]
        values = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8)]
        assert len(values) == (self._leds or len(values) // self._colours) * self._colours
        starts = range(0, len(values), self._colours)
        self.frames.append([tuple(values[at : at + self._colours]) for at in starts])

    def _bit(self, pulse: int) -> int:
        """By the data sheet 0 is high for 0.4 µs, 1 for 0.8 µs, ± 0.15; a bit takes 1.25 ± 0.6."""
        high = f"{pulse:08b}".rstrip("0")
        assert high
        assert set(high) == {"1"}
        high_us = len(high) * 1e6 / self.max_speed_hz
        assert abs(8e6 / self.max_speed_hz - 1.25) <= 0.6
        if abs(high_us - 0.4) <= 0.15:
            return 0
        assert abs(high_us - 0.8) <= 0.15
        return 1

    def close(self) -> None:
        self.opened = None
