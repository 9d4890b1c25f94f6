"""The blueprint ``light_in_a_call``: a light in a call, and given back as it was."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.bulb import WHITE
from tests.homeassistant.household import ACTIVITY, Household

RED, MAGENTA = [255, 0, 0], [255, 0, 255]
DOOR = "light.door"


def on_air(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    config = by_blueprint(
        "light_in_a_call", **{"activity": ACTIVITY, "lights": [DOOR], "transition": 0} | inputs
    )
    return automation(home, "on_air", **config)


async def until_given_back(home: Household) -> None:
    """Wait until what was noted of the light is not needed any more."""
    noted = "scene.presence_on_air_door"
    await home.hass.until(noted, lambda: noted not in home.hass.states)


@pytest.mark.parametrize("before", [{"state": "OFF"}, WHITE], ids=["off", "warm white"])
async def test_it_is_red_in_a_call_and_then_as_it_was(
    home: Household, before: dict[str, Any]
) -> None:
    await home.bulb.be(before)
    await home.hass.until_state(DOOR, before["state"].lower())
    was = home.hass.states[DOOR]
    async with on_air(home):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=255)
        await home.hang_up()
        await home.hass.until_state(DOOR, was["state"], **_looks(was))


def _looks(state: dict[str, Any]) -> dict[str, Any]:
    names = ("brightness", "color_mode", "color_temp_kelvin")
    return {name: state["attributes"].get(name) for name in names}


async def test_each_activity_has_its_colour_and_only_what_is_chosen_is_shown(
    home: Household,
) -> None:
    async with on_air(home, brightness=50, busy_color=[0, 0, 255]):
        await home.be("Busy")
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=128)
        await home.be("DoNotDisturb", "Presenting")
        await home.hass.until_state(DOOR, "on", rgb_color=MAGENTA, brightness=128)
        await home.be("Busy")
        await home.hass.until_state(DOOR, "off")
    assert [c.get("color") for c in home.bulb.commands] == [
        {"r": 255, "g": 0, "b": 0},
        {"r": 255, "g": 0, "b": 255},
        None,
    ]


async def test_a_call_that_goes_on_while_it_is_set_up_is_shown(home: Household) -> None:
    await home.call()
    async with on_air(home):
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        await home.hang_up()
        await home.hass.until_state(DOOR, "off")


BY_HAND = [
    pytest.param({"state": "OFF"}, id="switched off"),
    pytest.param({**WHITE, "brightness": 255}, id="white"),
    pytest.param(
        {
            "state": "ON",
            "brightness": 255,
            "color_mode": "rgb",
            "color": {"r": 0, "g": 60, "b": 255},
        },
        id="another colour",
    ),
    pytest.param(
        {
            "state": "ON",
            "brightness": 30,
            "color_mode": "rgb",
            "color": {"r": 255, "g": 0, "b": 0},
        },
        id="dimmed",
    ),
]


@pytest.mark.parametrize("by_hand", BY_HAND)
async def test_what_a_hand_changes_stays_as_the_hand_wants_it(
    home: Household, by_hand: dict[str, Any]
) -> None:
    async with on_air(home):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        commands = len(home.bulb.commands)
        await home.bulb.be(by_hand)
        await home.hass.until_state(DOOR, by_hand["state"].lower(), **_brightness(by_hand))
        await home.be("DoNotDisturb", "Presenting")
        await home.hang_up()
        await until_given_back(home)
        assert len(home.bulb.commands) == commands, "nothing was sent to it"
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=255)
        assert len(home.bulb.commands) > commands, "the next call is shown"


def _brightness(look: dict[str, Any]) -> dict[str, Any]:
    return {"brightness": look["brightness"]} if "brightness" in look else {}


async def test_what_a_person_sets_in_home_assistant_stays(home: Household) -> None:
    async with on_air(home):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        await home.hass.call("light.turn_on", DOOR, rgb_color=[255, 40, 0])
        await home.hass.until_state(DOOR, "on", rgb_color=[255, 40, 0])
        await home.hang_up()
        await until_given_back(home)
        assert home.bulb.shows["color"] == {"r": 255, "g": 40, "b": 0}


async def test_a_bulb_reports_the_colour_that_it_can_show(home: Household) -> None:
    """An old Hue's red is somewhat orange: no hand did that."""
    async with on_air(home):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        near = {"color": {"r": 255, "g": 70, "b": 20}, "brightness": 250}
        await home.bulb.be({**home.bulb.shows, **near})
        await home.hass.until_state(DOOR, "on", rgb_color=[255, 70, 20])
        await home.hang_up()
        await home.hass.until_state(DOOR, "off")


async def test_a_bulb_without_colours_is_lit_and_then_as_it_was(home: Household) -> None:
    white = home.bulbs["white"]
    await white.be({**WHITE, "brightness": 40})
    await home.hass.until_state(white.entity_id, "on", brightness=40)
    async with on_air(home, lights=[white.entity_id]):
        await home.call()
        await home.hass.until_state(white.entity_id, "on", brightness=255)
        await home.hang_up()
        await home.hass.until_state(white.entity_id, "on", brightness=40)


async def test_a_bulb_without_power_is_red_when_it_is_back_and_the_call_goes_on(
    home: Household,
) -> None:
    await home.bulb.be_there(there=False)
    await home.hass.until_state(DOOR, "unavailable")
    async with on_air(home, lights=[DOOR, "light.shelf"]):
        await home.call()
        await home.hass.until_state("light.shelf", "on", rgb_color=RED)
        await home.bulb.be_there(there=True)
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        await home.hang_up()
        await home.hass.until_state(DOOR, "off")
        await home.hass.until_state("light.shelf", "off")


async def test_in_quiet_times_it_is_dark_or_dim(home: Household) -> None:
    quiet = {"quiet": ["input_boolean.quiet"]}
    await home.hass.call("input_boolean.turn_on", "input_boolean.quiet")
    async with on_air(home, **quiet):
        await home.call()
        await home.hass.call("input_boolean.turn_off", "input_boolean.quiet")
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=255)
        assert len(home.bulb.commands) == 1, "nothing before"
        await home.hass.call("input_boolean.turn_on", "input_boolean.quiet")
        await home.hass.until_state(DOOR, "off")
    async with on_air(home, **quiet, quiet_brightness=10):
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=26)
        await home.hang_up()
        await home.hass.until_state(DOOR, "off")
