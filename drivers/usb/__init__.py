"""The ``usb`` kind: any busylight that busylight-core knows; it is imported with the first look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.usb.busylights import connect
from drivers.usb.light import UsbLight
from drivers.usb.locks import Locks
from drivers.usb.options import UsbOptions


@asynccontextmanager
async def _open(options: UsbOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"usb-{around.name}") as worker:
        locks = Locks(around.state_dir / "usb")
        light = UsbLight(around.name, worker, partial(connect, options, locks=locks))
        try:
            yield light
        finally:
            await light.close()


KIND = Kind(
    name="usb",
    options=UsbOptions,
    open=_open,
    min_interval_s=0.05,
)
