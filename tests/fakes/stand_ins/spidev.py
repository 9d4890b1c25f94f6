"""spidev with a strip behind it; everything of pi5neo above it is real."""

from __future__ import annotations

from tests.fakes.stand_ins.wire import tell


class SpiDev:
    max_speed_hz = 0

    def __init__(self) -> None:
        self._last: list[int] = []

    def open(self, bus: int, device: int) -> None:
        assert (bus, device) == (0, 0)

    def close(self) -> None:
        pass

    def xfer3(self, data: list[int]) -> None:
        if list(data) != self._last:  # the same is sent anew every few seconds
            tell("spi")
        self._last = list(data)
