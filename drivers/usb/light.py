"""One busylight, driven from a thread of its own.

The same can be shown again: some lights go dark by themselves, and a light that was unplugged and
plugged in again has forgotten what it showed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.contract.light import LightState, Rgb
from drivers.blocking import OnDemand, Worker
from drivers.usb.busylights import Busylight

log = logging.getLogger(__name__)


class UsbLight:
    """Opens its busylight with the first look, and again after it was unplugged."""

    def __init__(self, name: str, worker: Worker, connect: Callable[[], Busylight]) -> None:
        self._busylight = OnDemand(worker, connect, what=f"{name}: the light")
        self._shown: Rgb | None = None
        self._logged = ""
        self.close = self._busylight.close

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
        if self._shown is not None:
            await self._busylight.use(self._show)

    def _show(self, busylight: Busylight) -> None:
        """On the worker, where a newer look may have come first."""
        if str(busylight) != self._logged:  # not each time that it is plugged in again
            log.info("opened %s", busylight)
        self._logged = str(busylight)
        assert self._shown is not None
        busylight.show(self._shown)
