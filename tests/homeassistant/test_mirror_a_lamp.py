"""The blueprint ``mirror_a_lamp``: other lights show what our lamp shows."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.bulb import WHITE
from tests.homeassistant.household import LAMP, Household

DOOR, SHELF = "light.door", "light.shelf"
GREEN, RED = [0, 255, 0], [255, 0, 0]


def mirror(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    lights = {"lamp": LAMP, "lights": [DOOR, SHELF]}
    return automation(home, "mirror", **by_blueprint("mirror_a_lamp", **lights | inputs))


@pytest.mark.parametrize("before", [{"state": "OFF"}, WHITE], ids=["off", "warm white"])
async def test_lights_are_as_the_lamp_and_then_as_they_were(
    home: Household, before: dict[str, Any]
) -> None:
    await home.be("Offline")
    await home.hass.until_state(LAMP, "off", "on")
    await home.bulb.be(before)
    was = await home.hass.until_state(DOOR, before["state"].lower())
    async with mirror(home):
        await home.hang_up()
        for light in (DOOR, SHELF):
            await home.hass.until_state(light, "on", rgb_color=GREEN)
        await home.call()
        for light in (DOOR, SHELF):
            await home.hass.until_state(light, "on", rgb_color=RED)
        await home.hass.call("light.turn_off", LAMP)
        await home.hass.until_state(SHELF, "off")
        kept = {name: was["attributes"].get(name) for name in ("brightness", "color_temp_kelvin")}
        await home.hass.until_state(DOOR, was["state"], **kept)
    await home.follow_presence()


async def test_brightness_is_a_part_of_the_lamps(home: Household) -> None:
    async with mirror(home, brightness=50):
        await home.hass.until_state(DOOR, "on", brightness=128)
        await home.hass.call("light.turn_on", LAMP, brightness=100)
        await home.hass.until_state(DOOR, "on", brightness=50)
    await home.follow_presence()


async def test_a_light_that_is_switched_off_stays_off_until_the_lamp_was(home: Household) -> None:
    async with mirror(home):
        await home.hass.until_state(DOOR, "on", rgb_color=GREEN)
        await home.bulb.be({"state": "OFF"})
        await home.hass.until_state(DOOR, "off")
        await home.call()
        await home.hass.until_state(SHELF, "on", rgb_color=RED)
        assert home.bulb.shows == {"state": "OFF"}
        await home.hass.call("light.turn_off", LAMP)
        await home.hass.until_state(SHELF, "off")
        await home.follow_presence()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
