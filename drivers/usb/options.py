"""The keys of ``[drivers.NAME]`` with ``kind = "usb"``."""

from __future__ import annotations

from bridge.config.tables.base import Settings


class UsbOptions(Settings):
    """Which busylight, when several are plugged in."""

    device: str = ""
    """Its name, its maker, or both, as in ``Blink(1)`` or ``luxafor flag``; any when empty."""
    serial: str = ""
    """Its serial number; any when empty."""

    @property
    def wanted(self) -> str:
        """What is looked for, for people."""
        name = self.device or "busylight"
        return f"{name} with serial number {self.serial}" if self.serial else name
