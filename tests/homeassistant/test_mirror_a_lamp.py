"""The blueprint ``mirror_a_lamp``: other lights show what our lamp shows."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.bulb import WHITE
from tests.homeassistant.household import HALL, LAMP, Household

DOOR, SHELF = "light.door", "light.shelf"
GREEN, RED = [0, 255, 0], [255, 0, 0]


def mirror(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    lights = {"lamp": LAMP, "lights": [DOOR, SHELF]}
    return automation(home, "mirror", **by_blueprint("mirror_a_lamp", **lights | inputs))


def has_looked(home: Household, entity_id: str, changed: dict[str, Any]) -> bool:
    """Whether the automation has run to its end since the lamp changed."""
    now = home.hass.states[entity_id]["attributes"]
    return bool(runs(home, entity_id) == 0 and now["last_triggered"] >= changed["last_updated"])


def runs(home: Household, entity_id: str) -> int:
    """How many runs of the automation are under way or wait for their turn."""
    count: int = home.hass.states[entity_id]["attributes"]["current"]
    return count


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


async def test_brightness_is_a_part_of_the_looks(home: Household) -> None:
    await home.be("Busy")
    async with mirror(home, lamp=HALL, brightness=50):
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=51)  # 0.4 of 255
        await home.hass.call("light.turn_on", HALL, brightness=128)
        await home.hass.until_state(DOOR, "on", brightness=26)
        await home.hass.call("light.turn_on", HALL, rgb_color=[0, 0, 255], brightness=200)
        await home.hass.until_state(DOOR, "on", rgb_color=[0, 0, 255], brightness=100)
        await home.follow_presence(HALL)
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=51)


@pytest.mark.parametrize("word", ["Away", "BeRightBack"], ids=["given back", "black"])
async def test_where_the_look_is_no_light_they_have_their_own(home: Household, word: str) -> None:
    await home.bulb.be(WHITE)
    was = await home.hass.until_state(DOOR, "on")
    async with mirror(home, lamp=HALL):
        await home.be("Busy")
        for light in (DOOR, SHELF):
            await home.hass.until_state(light, "on", rgb_color=RED, brightness=102)
        await home.be(word)
        await home.hass.until_state(SHELF, "off")
        kept = {name: was["attributes"][name] for name in ("brightness", "color_temp_kelvin")}
        await home.hass.until_state(DOOR, "on", **kept)
        await home.be("Busy")
        await home.hass.until_state(DOOR, "on", rgb_color=RED, brightness=102)


async def test_they_stay_where_the_lamp_stays_as_it_is(home: Household) -> None:
    in_three_days = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    schedule = f'schedule = {{ days = "{in_three_days}", hours = "11:00-12:00", outside = "keep" }}'
    async with mirror(home, lamp=HALL) as entity_id:
        await home.hass.until_state(DOOR, "on", rgb_color=GREEN)
        with home.config_with(schedule, below='kind = "virtual"'):
            await home.restart_lamp("hall")
            since = await home.hass.until_state(HALL, "unknown", left="as_it_is")
            await home.hass.until(entity_id, lambda: has_looked(home, entity_id, since))
            for light in (DOOR, SHELF):
                assert home.hass.states[light]["attributes"]["rgb_color"] == GREEN
        await home.restart_lamp("hall")
        await home.hass.until_state(HALL, "on")


async def test_a_light_that_is_switched_off_stays_off_until_the_lamp_was(home: Household) -> None:
    async with mirror(home) as entity_id:
        await home.hass.until_state(SHELF, "on", rgb_color=GREEN)
        # a run that is under way switches on what was on when its turn came
        await home.hass.until(entity_id, lambda: runs(home, entity_id) == 0)
        await home.bulb.be({"state": "OFF"})
        await home.hass.until_state(DOOR, "off")
        await home.call()
        await home.hass.until_state(SHELF, "on", rgb_color=RED)
        assert home.bulb.shows == {"state": "OFF"}
        await home.hass.call("light.turn_off", LAMP)
        await home.hass.until_state(SHELF, "off")
        await home.follow_presence()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
