"""The strip on SPI, with the real pi5neo down to the pulses on the wire."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bridge.contract.errors import LightRefusedError
from bridge.contract.light import LightState
from drivers.base import Surroundings
from drivers.pixels_lamp import PixelsOptions, levels, opened, take
from drivers.testing import FakeBus, ManualClock
from tests.fakes.spi_strip import SpiStrip

RED = LightState(color=(255, 0, 0))


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        ("GRB", (0, 255, 0)),
        ("RGB", (255, 0, 0)),
        ("GRBW", (0, 255, 0, 0)),
        ("RGBW", (255, 0, 0, 0)),
    ],
)
async def test_every_led_gets_its_colours_in_the_order_of_its_chip_also_after_a_loss(
    tmp_path: Path, order: str, shown: tuple[int, ...]
) -> None:
    strip = SpiStrip(leds=2, colours=len(order))
    options = PixelsOptions.model_validate({"leds": 2, "order": order, "device": "/dev/spidev10.1"})
    around = Surroundings("desk", tmp_path, ManualClock(), FakeBus())
    async with opened(options, around, make=lambda: strip) as light:
        await light.apply(RED)
        assert strip.opened == (10, 1)
        strip.frames.clear()  # its supply was away
        await light.refresh()  # type: ignore[attr-defined]
        assert strip.frames == [[shown, shown]]
    assert strip.opened is None


async def test_opening_it_leaves_the_leds_as_they_are(tmp_path: Path) -> None:
    strip = SpiStrip(leds=1)
    take(PixelsOptions(leds=1), lambda: strip, tmp_path / "nowhere")
    assert strip.opened
    assert strip.frames == []


def test_white_has_its_own_led_and_dimming_follows_the_eye() -> None:
    white = LightState(color=(255, 200, 200), brightness=1)
    red, green, _, pale = levels(white, PixelsOptions(leds=1, order="GRBW", gamma=1))
    assert (red, green, pale) == (55, 0, 200)
    half = LightState(color=(255, 0, 0), brightness=0.5)
    assert levels(half, PixelsOptions(leds=1)) == (55, 0, 0, 0)
    assert levels(half.model_copy(update={"on": False}), PixelsOptions(leds=1)) == (0, 0, 0, 0)


def test_a_strip_that_would_go_out_in_pieces_is_refused_with_the_line_that_helps(
    tmp_path: Path,
) -> None:
    buffer = tmp_path / "bufsiz"
    buffer.write_text("4096\n", encoding="ascii")
    take(PixelsOptions(leds=170), lambda: SpiStrip(leds=170), buffer)
    with pytest.raises(LightRefusedError, match=r"spidev\.bufsiz=4104"):
        take(PixelsOptions(leds=171), lambda: SpiStrip(leds=171), buffer)


@pytest.mark.parametrize(
    ("number", "helps"), [(errno.ENOENT, "raspi-config"), (errno.EACCES, "group spi")]
)
def test_spi_that_is_off_or_not_for_us_says_what_to_do(number: int, helps: str) -> None:
    class Closed(SpiStrip):
        def open(self, bus: int, device: int) -> None:
            raise OSError(number, "no")

    with pytest.raises(LightRefusedError, match=helps):
        take(PixelsOptions(leds=1), lambda: Closed(leds=1))
