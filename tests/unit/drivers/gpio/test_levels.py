"""Options and levels of LEDs; no pin is touched."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.contract.light import OFF, LightState
from drivers.base import Capability
from drivers.gpio import KIND, GpioOptions, Layout, parse_pin, tailored
from drivers.gpio.levels import CHANNELS, levels, traffic_light
from drivers.rules.look import COLORS
from tests.fakes.rows import rows

PINS: dict[Layout, dict[str, str]] = {
    "rgb": {"red": "GPIO17", "green": "GPIO27", "blue": "GPIO22"},
    "single": {"led": "GPIO17"},
    "traffic_light": {"red": "GPIO17", "amber": "GPIO27", "green": "GPIO22"},
}
AMBER = LightState(color=(255, 140, 0), brightness=0.5)


def options(layout: Layout, **more: Any) -> GpioOptions:
    return GpioOptions(layout=layout, pins=PINS[layout], **{"gamma": 1, **more})


@pytest.mark.parametrize(
    ("layout", "more", "wanted"),
    [
        ("rgb", {}, {"red": 0.5, "green": 0.2745, "blue": 0}),
        ("rgb", {"pwm": False}, {"red": 1, "green": 1, "blue": 0}),
        ("single", {}, {"led": 0.5}),
        ("single", {"pwm": False}, {"led": 1}),
        ("traffic_light", {}, {"red": 0, "amber": 0.5, "green": 0}),
        ("traffic_light", {"pwm": False}, {"red": 0, "amber": 1, "green": 0}),
    ],
)
def test_amber_at_half_brightness(
    layout: Layout, more: dict[str, bool], wanted: dict[str, float]
) -> None:
    assert levels(AMBER, options(layout, **more)) == pytest.approx(wanted, abs=1e-3)


@given(
    layout=st.sampled_from(sorted(CHANNELS)),
    pwm=st.booleans(),
    color=st.tuples(*[st.integers(0, 255)] * 3),
    brightness=st.floats(0, 1),
)
def test_levels_are_duty_cycles_and_something_shines_where_the_look_does(
    layout: Layout, *, pwm: bool, color: tuple[int, int, int], brightness: float
) -> None:
    state = LightState(color=color, brightness=brightness)
    found = levels(state, options(layout, pwm=pwm))
    assert set(found) == set(CHANNELS[layout])
    assert all(0 <= level <= 1 for level in found.values())
    assert pwm or set(found.values()) <= {0.0, 1.0}
    assert any(found.values()) is any(state.rgb)
    assert not any(levels(OFF, options(layout, pwm=pwm)).values())


@pytest.mark.parametrize(
    ("names", "lamps"),
    [
        ("red purple magenta pink", {"red"}),
        ("orange amber yellow", {"amber"}),
        ("green teal cyan", {"green"}),
        ("white blue indigo", {"red", "amber", "green"}),
    ],
)
def test_each_named_colour_has_its_lamps(names: str, lamps: set[str]) -> None:
    for name in names.split():
        assert traffic_light(COLORS[name]) == lamps, name


@pytest.mark.parametrize(
    ("written", "pin"),
    [(17, "GPIO17"), ("GPIO17", "GPIO17"), ("bcm4", "GPIO4"), ("board11", "BOARD11"),
     ("J8:11", "J8:11"), (0, "GPIO0")],
)  # fmt: skip
def test_a_pin_has_several_names(written: object, pin: str) -> None:
    assert parse_pin(written) == pin


@rows("written", [28, -1, "GPIO28", "17", "pin 3", 1.0, True, None, "BOARD"])
def test_what_is_no_pin_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="not a pin"):
        parse_pin(written)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"pins": {"red": 1, "green": 2}}, 'layout = "rgb" needs red, green, blue'),
        ({"pins": {"led": 1, "red": 2}, "layout": "single"}, "needs led"),
        ({"pins": {"red": 4, "green": "GPIO4", "blue": 2}}, "red and green are both on GPIO4"),
        ({"pins": {"red": 40, "green": 1, "blue": 2}}, "write a GPIO number from 0 to 27"),
        ({"pins": {"led": 1}, "layout": "single", "common": "plus"}, "cathode"),
        ({}, "pins"),
    ],
)
def test_options_that_cannot_be_wired_are_refused(table: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GpioOptions.model_validate(table)
    assert text in str(caught.value)


def test_home_assistant_is_offered_what_the_leds_can() -> None:
    assert tailored(options("single")).color_modes == {"brightness"}
    assert tailored(options("single", pwm=False)).color_modes == {"onoff"}
    assert tailored(options("single", pwm=False)).capability is Capability.ON_OFF
    assert tailored(options("single")).capability is Capability.WHITE
    assert KIND.capability is Capability.COLOR
    assert tailored(options("traffic_light")).color_modes == KIND.color_modes == {"rgb"}


def test_importing_the_kind_imports_no_library() -> None:
    code = "import sys, drivers.gpio; print([m for m in sys.modules if 'gpio' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert "gpiozero" not in done.stdout
    assert "lgpio" not in done.stdout
    assert "drivers.gpio" in done.stdout


def test_half_as_bright_for_the_eye_is_much_less_for_an_led() -> None:
    half = LightState(color=(255, 0, 0), brightness=0.5)
    by_default = GpioOptions(layout="rgb", pins=PINS["rgb"])
    assert levels(half, by_default)["red"] == pytest.approx(0.5**2.2)
    assert levels(LightState(color=(255, 0, 0)), by_default)["red"] == 1
    relay = GpioOptions(layout="single", pins=PINS["single"], pwm=False)
    assert levels(half, relay) == {"led": 1}
