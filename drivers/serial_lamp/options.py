"""The keys of a ``serial`` lamp."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bridge.config.tables.base import Settings
from drivers.looks.brightness import Gamma
from drivers.serial_lamp.adalight_frame import frame_s

LONGEST_FRAME_S = 0.5
"""A frame must be through well before the next one is due."""
BOOT_S = {"line": 4.0, "adalight": 2.0, "wled": 4.0}
GAMMA = {"line": 2.2, "adalight": 2.2, "wled": 1.0}

UsbId = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{4}(:[0-9a-fA-F]{4})?$")]


class SerialOptions(Settings):
    """Which protocol, and on which port."""

    protocol: Literal["line", "adalight", "wled"] = "line"
    """``line`` is that of our own sketch."""
    port: str = ""
    """A path such as /dev/serial/by-id/usb-…; else the USB device below is looked for."""
    usb: UsbId | None = None
    """Vendor, or vendor and product, in hexadecimal as ``lsusb`` prints it: ``2341:0043``."""
    usb_serial: str = ""
    """The serial number of the USB device, where there are several of a kind."""
    baud: Annotated[int, Field(ge=9600, le=2_000_000)] = 115_200
    leds: Annotated[int, Field(ge=1, le=4096)] = 1
    """LEDs on the strip; for ``adalight`` alone."""
    gamma: Gamma | None = None
    """How bright the LEDs seem; WLED sees to that itself."""
    boot: Annotated[float, Field(ge=0, le=5)] | None = None
    """The longest that the board takes to answer after opening, in seconds; most boards restart."""

    @property
    def boot_s(self) -> float:
        """``boot``, or what suits the protocol."""
        return BOOT_S[self.protocol] if self.boot is None else self.boot

    @property
    def exponent(self) -> float:
        """``gamma``, or what suits the protocol."""
        return GAMMA[self.protocol] if self.gamma is None else self.gamma

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.port) == bool(self.usb or self.usb_serial):
            raise ValueError('needs either port = "/dev/…" or usb = "vendor:product" (usb_serial)')
        if self.gamma is not None and self.protocol == "wled":
            raise ValueError("gamma is for line and adalight; WLED has a setting of its own")
        takes_s = frame_s(self.leds, self.baud)
        if takes_s > LONGEST_FRAME_S:
            raise ValueError(
                f"{self.leds} leds at {self.baud} baud take {takes_s:.1f} s a frame,"
                f" more than {LONGEST_FRAME_S:g}: raise baud"
            )
        return self
