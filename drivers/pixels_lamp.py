"""The ``pixels`` kind: a strip of WS2812 or SK6812 on the SPI of a Raspberry Pi, Pi 5 too.

With pi5neo: released this year, it uses nothing but the kernel's own spidev; rpi_ws281x needs root
and does not run on every Pi 5 (jgarff/rpi_ws281x#528), Adafruit's needs all of Blinka.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bridge.config.tables.base import Settings
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import OnDemand
from drivers.looks.brightness import Gamma, in_steps
from drivers.registry import without_library

Order = Literal["GRB", "RGB", "GRBW", "RGBW"]
BYTES_A_COLOUR = 8
"""Each bit of a colour is a byte on the wire."""
BUFFER = Path("/sys/module/spidev/parameters/bufsiz")
"""What is longer goes out in pieces, and a strip takes the gap for the end."""
_PATH = r"^/dev/spidev\d+\.\d+$"


class PixelsOptions(Settings):
    """One strip."""

    leds: Annotated[int, Field(ge=1, le=1024)]
    device: Annotated[str, Field(pattern=_PATH)] = "/dev/spidev0.0"
    order: Order = "GRB"
    """Of the colours in the LED; with a W for LEDs that have white too."""
    gamma: Gamma = 2.2
    """How the eye sees brightness; 1 sends it as it is."""


class PixelsLight:
    """A strip, driven from a thread of its own."""

    def __init__(self, options: PixelsOptions, strip: OnDemand[Strip]) -> None:
        self._options, self._strip = options, strip
        self._shown: LightState | None = None

    async def apply(self, state: LightState) -> None:
        """Show ``state`` with all LEDs."""
        colours = levels(state, self._options)
        await self._strip.use(lambda strip: strip.show(*colours))
        self._shown = state

    async def refresh(self) -> None:
        """Send it once more: the supply of the strip may have been away."""
        if self._shown is not None:
            await self.apply(self._shown)


class Strip:
    """An open SPI device and the LEDs behind it; pi5neo is imported here."""

    def __init__(self, options: PixelsOptions, make: Callable[[], Any] | None = None) -> None:
        from pi5neo import EPixelType, Pi5Neo  # noqa: PLC0415 - an extra

        device = options.device

        class Pixels(Pi5Neo):  # type: ignore[misc]  # it has no types
            spi: Any

            def open_spi_device(self, device_path: str) -> bool:
                """Raise what goes wrong; ``False`` keeps the library from sending darkness."""
                if make:
                    self.spi = make()
                bus, _, chip = device_path.removeprefix("/dev/spidev").partition(".")
                self.spi.open(int(bus), int(chip))
                self.spi.max_speed_hz = self.spi_speed
                return False

        try:
            self._pixels = Pixels(
                device, options.leds, pixel_type=EPixelType[options.order], quiet_mode=True
            )
        except OSError as error:
            raise _not_opened(device, error) from error

    def show(self, red: int, green: int, blue: int, white: int) -> None:
        """Set every LED."""
        self._pixels.fill_strip(red, green, blue, white)
        try:
            self._pixels.update_strip(None)
        except OSError as error:
            raise LightUnreachableError(f"SPI: {error.strerror or error}") from error

    def close(self) -> None:
        """Let the device go; the LEDs stay as they are."""
        self._pixels.close()


def take(
    options: PixelsOptions, make: Callable[[], Any] | None = None, buffer: Path = BUFFER
) -> Strip:
    """Open the strip of ``options``; it stays as it is. Raises as ``Light.apply`` does."""
    needs = options.leds * len(options.order) * BYTES_A_COLOUR
    with suppress(OSError, ValueError):
        if needs > int(buffer.read_text(encoding="ascii")):
            raise LightRefusedError(
                f"{options.leds} LEDs need an SPI buffer of {needs} bytes.",
                remedy=f"Add spidev.bufsiz={needs} to /boot/firmware/cmdline.txt and restart.",
            )
    return Strip(options, make)


def levels(state: LightState, options: PixelsOptions) -> tuple[int, int, int, int]:
    """Red, green, blue and white, 0 to 255; what all colours share is for the white LED."""
    parts = [channel / 255 * state.brightness if state.on else 0.0 for channel in state.color]
    white = min(parts) if "W" in options.order else 0.0
    red, green, blue, pale = in_steps([*(p - white for p in parts), white], options.gamma)
    return red, green, blue, pale


def _not_opened(device: str, error: OSError) -> LightRefusedError | LightUnreachableError:
    if error.errno == errno.EACCES:
        remedy = "Let the user join the group spi."
    elif error.errno == errno.ENOENT:
        remedy = "Switch SPI on: sudo raspi-config nonint do_spi 0, then restart."
    else:
        return LightUnreachableError(f"{device}: {error.strerror or error}")
    return LightRefusedError(f"{device}: {error.strerror or error}.", remedy=remedy)


@asynccontextmanager
async def opened(
    options: PixelsOptions, around: Surroundings, *, make: Callable[[], Any] | None = None
) -> AsyncIterator[Light]:
    """The strip; its device is opened, by ``make``, with the first look."""
    try:
        import pi5neo  # noqa: F401, PLC0415 - whether it is there
    except ImportError as error:
        raise without_library("pixels", error) from error
    taken = partial(take, options, make)
    async with OnDemand(f"pixels-{around.name}", taken, what="the strip") as strip:
        yield PixelsLight(options, strip)


KIND = Kind(name="pixels", options=PixelsOptions, open=opened, min_interval_s=0.04)
