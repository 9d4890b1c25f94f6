"""The ``usb`` kind: any busylight that busylight-core knows; it is imported with the first look.

The same can be shown again: some lights go dark by themselves, and a light that was unplugged and
plugged in again has forgotten what it showed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bridge.contract.light import LightState, Rgb
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import OnDemand
from drivers.usb.busylights import Busylight, UsbOptions, connect

log = logging.getLogger(__name__)


class UsbLight:
    """Opens its busylight with the first look, and again after it was unplugged."""

    def __init__(self, busylight: OnDemand[Busylight]) -> None:
        self._busylight = busylight
        self._shown: Rgb | None = None
        self._logged = ""

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
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


@asynccontextmanager
async def _open(options: UsbOptions, around: Surroundings) -> AsyncIterator[Light]:
    take = partial(connect, options, locks=around.state_dir / "usb")
    async with OnDemand(f"usb-{around.name}", take, what=f"{around.name}: the light") as busylight:
        yield UsbLight(busylight)


KIND = Kind(name="usb", options=UsbOptions, open=_open, min_interval_s=0.05)
