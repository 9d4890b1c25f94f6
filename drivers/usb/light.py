"""One busylight, driven from a thread of its own. Never knows its maker.

It can be told the same again: some lights go dark by themselves, and a light that was unplugged and
plugged in again has forgotten what it showed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState, Rgb
from drivers.blocking import Worker
from drivers.usb.busylights import Busylight

log = logging.getLogger(__name__)

CLOSE_S = 2.0


class UsbLight:
    """Opens its busylight with the first look, and again after it was unplugged."""

    def __init__(self, name: str, worker: Worker, connect: Callable[[], Busylight]) -> None:
        self._name, self._worker, self._connect = name, worker, connect
        self._busylight: Busylight | None = None
        self._shown: Rgb | None = None
        self._told = ""

    async def apply(self, state: LightState) -> None:
        """Show ``state``.

        Raises:
            LightUnreachableError: It is not plugged in.
            LightRefusedError: It cannot be opened, or the choice is not clear.
        """
        self._shown = state.rgb
        await self.refresh()

    async def refresh(self) -> None:
        """Show the same again. Raises as ``apply`` does."""
        await self._worker(self._refresh)

    async def close(self) -> None:
        """Let the light go, coloured as it is; one that hangs is not waited for."""
        try:
            await within(CLOSE_S, self._worker(self._let_go))
        except TimeoutError:
            log.warning("%s: the light could not be let go within %g s", self._name, CLOSE_S)

    def _refresh(self) -> None:
        """On the worker, where a newer look may have come first."""
        if (shown := self._shown) is None:
            return
        if self._busylight is None:
            self._busylight = self._connect()
            self._tell_opened(str(self._busylight))
        try:
            self._busylight.show(shown)
        except LightUnreachableError:
            self._let_go()
            raise

    def _tell_opened(self, what: str) -> None:
        """Once, not each time that it is plugged in again."""
        if what != self._told:
            log.info("opened %s", what)
        self._told = what

    def _let_go(self) -> None:
        busylight, self._busylight = self._busylight, None
        if busylight is not None:
            busylight.close()
