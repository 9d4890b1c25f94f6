"""One set of LEDs, driven from a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

from bridge.contract.light import LightState
from drivers.blocking import OnDemand, Worker
from drivers.gpio.levels import levels
from drivers.gpio.options import GpioOptions
from drivers.gpio.pins import Leds


class GpioLight:
    """Takes its pins with the first look; ``take`` blocks."""

    def __init__(self, options: GpioOptions, worker: Worker, take: Callable[[], Leds]) -> None:
        self._options = options
        self._leds = OnDemand(worker, take, what="the pins")
        self.close = self._leds.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``.

        Raises:
            LightRefusedError: A pin is taken or wrong, or there are no pins here.
            LightUnreachableError: A pin does not obey.
        """
        wanted = levels(state, self._options)
        await self._leds.use(lambda leds: leds.show(wanted))
