"""One set of LEDs, driven from a thread of its own. Never knows gpiozero."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers.blocking import Worker
from drivers.gpio.levels import Levels, levels
from drivers.gpio.options import GpioOptions
from drivers.gpio.pins import Leds

log = logging.getLogger(__name__)

CLOSE_S = 2.0


class GpioLight:
    """Takes its pins with the first look; ``take`` blocks."""

    def __init__(self, options: GpioOptions, worker: Worker, take: Callable[[], Leds]) -> None:
        self._options, self._worker, self._take = options, worker, take
        self._leds: Leds | None = None

    async def apply(self, state: LightState) -> None:
        """Show ``state``.

        Raises:
            LightRefusedError: A pin is taken or wrong, or there are no pins here.
            LightUnreachableError: A pin does not obey.
        """
        await self._worker(self._show, levels(state, self._options))

    async def close(self) -> None:
        """Give the pins back; a pin that hangs is not waited for."""
        try:
            await within(CLOSE_S, self._worker(self._let_go))
        except TimeoutError:
            log.warning("the pins could not be given back within %g s", CLOSE_S)

    def _show(self, wanted: Levels) -> None:
        if self._leds is None:
            self._leds = self._take()
        try:
            self._leds.show(wanted)
        except LightUnreachableError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        leds, self._leds = self._leds, None
        if leds is None:
            return
        try:
            leds.close()
        except Exception as error:  # noqa: BLE001 - lgpio.error has no base of its own
            log.warning("the pins could not be given back: %s", error)
