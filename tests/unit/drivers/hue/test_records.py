from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import OFF, LightState
from drivers.hue.api import HubLight
from drivers.hue.looks import (
    GAMUT_B,
    GAMUT_C,
    Body,
    as_found,
    bodies_to_restore,
    body_for,
    rgb_to_xy,
    shows,
)
from tests.fakes.hue_hub import color_light, plug, white_light

COLORED = HubLight.model_validate(color_light("Desk"))
WHITE = HubLight.model_validate(white_light("Hall"))
PLUG = HubLight.model_validate(plug("Fan"))
OLD = HubLight.model_validate({**color_light("Old"), "modelid": "LCT001", "capabilities": {}})
RED = LightState(color=(255, 0, 0), brightness=0.5)

STATES = st.builds(
    LightState,
    on=st.booleans(),
    color=st.tuples(*[st.integers(0, 255)] * 3),
    brightness=st.floats(0, 1),
)


def after(light: HubLight, body: Body) -> HubLight:
    """The light when the hub has taken ``body``."""
    values: dict[str, Any] = {k: v for k, v in body.items() if getattr(light.state, k) is not None}
    if "xy" in values:
        values["colormode"] = "xy"
    return HubLight.model_validate(
        light.model_dump() | {"state": light.state.model_dump() | values}
    )


@pytest.mark.parametrize(
    ("light", "body"),
    [
        (COLORED, {"on": True, "bri": 127, "xy": list(rgb_to_xy((255, 0, 0), GAMUT_C))}),
        (OLD, {"on": True, "bri": 127, "xy": list(rgb_to_xy((255, 0, 0), GAMUT_B))}),
        (WHITE, {"on": True, "bri": 127}),
        (PLUG, {"on": True}),
    ],
)
def test_a_lamp_is_asked_for_what_it_can_do(light: HubLight, body: Body) -> None:
    assert body_for(RED, [light]) == body


def test_lamps_with_different_gamuts_get_a_colour_that_each_clips_itself() -> None:
    assert body_for(RED, [COLORED, OLD, WHITE])["xy"] == list(rgb_to_xy((255, 0, 0)))
    assert body_for(RED, [COLORED, WHITE])["xy"] == list(rgb_to_xy((255, 0, 0), GAMUT_C))


@pytest.mark.parametrize(
    "state", [OFF, LightState(color=(0, 0, 0)), LightState(brightness=0.0)], ids=str
)
def test_dark_is_off(state: LightState) -> None:
    assert body_for(state, [COLORED]) == {"on": False}


def test_a_dark_colour_is_a_bright_colour_at_low_brightness() -> None:
    assert body_for(LightState(color=(64, 0, 0)), [COLORED])["bri"] == 64


def test_a_running_colour_loop_is_stopped() -> None:
    looping = after(COLORED, {"effect": "colorloop"})
    assert body_for(RED, [looping])["effect"] == "none"
    assert "effect" not in body_for(RED, [COLORED])


@given(STATES, st.sampled_from([COLORED, OLD, WHITE, PLUG]))
def test_all_values_are_ones_that_a_hub_takes(state: LightState, light: HubLight) -> None:
    body = body_for(state, [light])
    assert 1 <= body.get("bri", 1) <= 254
    assert all(0 <= part <= 1 for part in body.get("xy", ()))
    assert shows(after(light, body), body)


@pytest.mark.parametrize(
    "change",
    [
        {"on": False},
        {"bri": 20},
        {"xy": [0.2, 0.1]},
        {"ct": 300, "colormode": "ct"},
        {"effect": "colorloop"},
    ],
    ids=str,
)
def test_what_somebody_else_changed_is_seen(change: dict[str, Any]) -> None:
    body = body_for(RED, [COLORED])
    shown = after(COLORED, body)
    assert shows(shown, body)
    assert not shows(after(shown, change), body)


def test_a_lamp_that_is_on_does_not_show_off() -> None:
    off = {"on": False}
    assert shows(COLORED, off)
    assert not shows(after(COLORED, {"on": True}), off)


def test_rounding_by_the_lamp_is_no_change() -> None:
    body = body_for(RED, [COLORED])
    x, y = body["xy"]
    assert shows(after(COLORED, {**body, "bri": 128, "xy": [x - 0.004, y + 0.004]}), body)


@pytest.mark.parametrize(
    ("state", "bodies"),
    [
        ({"on": True, "colormode": "xy"}, [{"on": True, "bri": 200, "xy": [0.4573, 0.41]}]),
        ({"on": True, "colormode": "ct"}, [{"on": True, "bri": 200, "ct": 366}]),
        ({"on": True, "colormode": "hs"}, [{"on": True, "bri": 200, "hue": 8000, "sat": 140}]),
        (
            {"on": True, "colormode": "ct", "effect": "colorloop"},
            [{"on": True, "bri": 200, "ct": 366, "effect": "colorloop"}],
        ),
        (
            {"on": False, "colormode": "ct"},
            [{"on": True, "bri": 200, "ct": 366, "transitiontime": 0}, {"on": False}],
        ),
    ],
    ids=str,
)
def test_a_lamp_is_brought_back_the_way_it_was_set(
    state: dict[str, Any], bodies: list[Body]
) -> None:
    light = HubLight.model_validate(color_light("Desk", **state))
    assert bodies_to_restore(as_found({1: light})["1"]) == bodies


def test_a_plug_is_switched_back() -> None:
    assert bodies_to_restore(as_found({1: PLUG})["1"]) == [{"on": False}]
