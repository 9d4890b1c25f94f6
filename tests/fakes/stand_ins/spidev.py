"""spidev with a strip behind it; everything of pi5neo above it is real."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.spi_strip import SpiStrip
from tests.fakes.stand_ins.wire import tell


class SpiDev(SpiStrip):
    """Tells the colours of the first LED in the order of the wire: green, red, blue."""

    def __init__(self) -> None:
        super().__init__()
        self._last: list[int] = []

    def open(self, bus: int, device: int) -> None:
        assert (bus, device) == (0, 0)
        super().open(bus, device)

    def xfer3(self, data: Sequence[int]) -> None:
        super().xfer3(data)
        if list(data) != self._last:  # the same is sent anew every few seconds
            tell(" ".join(map(str, ("spi", *self.frames[-1][0]))))
        self._last = list(data)
