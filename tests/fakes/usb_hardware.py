"""USB lights that are not there: the library's own hardware and lights, on a wire that records.

Everything of busylight-core is real, down to the bytes; only the handle of the device is ours.
"""

from __future__ import annotations

from typing import Any

from busylight_core import Hardware, Light
from busylight_core.hardware import ConnectionType

PRODUCTS: dict[str, tuple[int, int, str, str]] = {
    "blink1": (0x27B8, 0x01ED, "ThingM", "blink(1) mk3"),
    "flag": (0x04D8, 0xF372, "Microchip", "LUXAFOR FLAG"),
    "kuando": (0x27BB, 0x3BCA, "PLENOM APS", "BUSYLIGHT"),
    "blynclight": (0x2C0D, 0x0001, "Embrava", "Blynclight"),
}
"""Vendor id, product id, maker, product, as the devices say themselves."""


class Wire:
    """A device's handle; it can be unplugged, plugged in again, and forbidden.

    hidapi raises when it is closed, and returns -1 when the device is gone.
    """

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.opened = 0
        self.is_open = False
        self.plugged = True
        self.allowed = True
        self.replugged = False

    def open_path(self, path: bytes) -> None:
        if not (self.plugged and self.allowed):
            raise OSError("open failed")
        self.is_open, self.replugged = True, False
        self.opened += 1

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes) -> int:
        if not self.is_open:
            raise ValueError("not open")
        if not self.plugged or self.replugged:
            return -1
        self.sent.append(bytes(data))
        return len(data)

    def send_feature_report(self, data: bytes) -> int:
        return self.write(data)

    def replug(self) -> None:
        """Out and in again: the old handle is dead, and the light has forgotten all."""
        self.plugged, self.replugged = True, True
        self.sent.clear()


class Usb:
    """The sockets; ``look`` is what the library would find."""

    def __init__(self) -> None:
        self._wires: list[tuple[str, str, Wire]] = []

    def plug(self, product: str, serial: str = "") -> Wire:
        wire = Wire()
        self._wires.append((product, serial, wire))
        return wire

    def look(self) -> dict[Any, list[Any]]:
        """As ``Light.available_hardware``, with fresh hardware at each call as there."""
        found: dict[Any, list[Any]] = {}
        for number, (product, serial, wire) in enumerate(self._wires):
            if wire.plugged:
                hardware = _hardware(product, serial, number, wire)
                claimed = next(cls for cls in Light.subclasses() if cls.claims(hardware))
                found.setdefault(claimed, []).append(hardware)
        return found


def _hardware(product: str, serial: str, number: int, wire: Wire) -> Any:
    vendor_id, product_id, maker, name = PRODUCTS[product]
    hardware = Hardware(
        device_type=ConnectionType.HID,
        path=f"1-{number}:1.0".encode(),
        vendor_id=vendor_id,
        product_id=product_id,
        serial_number=serial,
        manufacturer_string=maker,
        product_string=name,
        release_number="1",
    )
    vars(hardware)["handle"] = wire
    return hardware
