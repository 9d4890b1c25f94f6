"""One busylight, driven from a thread of its own. Never knows its maker.

What was shown is told again every few seconds: some lights go dark by themselves, and a light that
was unplugged and plugged in again has forgotten it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState, Rgb
from drivers.blocking import Worker
from drivers.usb.busylights import Busylight

log = logging.getLogger(__name__)

REFRESH_S = 10.0
"""Shorter than the 15 s after which a Kuando Busylight goes dark."""
DEADLINE_S, CLOSE_S = 5.0, 2.0


class UsbLight:
    """Opens its busylight with the first look, and again after it was unplugged."""

    def __init__(
        self, name: str, worker: Worker, connect: Callable[[], Busylight], clock: Clock
    ) -> None:
        self._name, self._worker, self._connect, self._clock = name, worker, connect, clock
        self._busylight: Busylight | None = None
        self._shown: Rgb | None = None

    async def apply(self, state: LightState) -> None:
        """Show ``state``.

        Raises:
            LightUnreachableError: It is not plugged in.
            LightRefusedError: It cannot be opened, or the choice is not clear.
        """
        self._shown = None
        await self._worker(self._show, state.rgb)
        self._shown = state.rgb

    async def refresh_for_ever(self) -> None:
        """Show the same again and again; a light that is away is looked for."""
        away = False
        while True:
            await self._clock.sleep(REFRESH_S)
            if self._shown is None:
                away = False
                continue
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await self._worker(self._refresh)
            except (LightUnreachableError, LightRefusedError, TimeoutError) as error:
                if not away:
                    why = str(error) or "the light does not answer"
                    log.warning("%s: %s; waiting until it is back", self._name, why)
                away = True
            else:
                if away:
                    log.info("%s: the light is back", self._name)
                away = False

    async def close(self) -> None:
        """Let the light go, coloured as it is; one that hangs is not waited for."""
        try:
            await within(CLOSE_S, self._worker(self._let_go))
        except TimeoutError:
            log.warning("%s: the light could not be let go within %g s", self._name, CLOSE_S)

    def _refresh(self) -> None:
        """On the worker, where a newer look may have come first."""
        if (shown := self._shown) is not None:
            self._show(shown)

    def _show(self, rgb: Rgb) -> None:
        if self._busylight is None:
            self._busylight = self._connect()
        try:
            self._busylight.show(rgb)
        except LightUnreachableError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        busylight, self._busylight = self._busylight, None
        if busylight is not None:
            busylight.close()
