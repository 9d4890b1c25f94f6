"""The blueprint ``quiet_at_night``: our lamps dark or dim at night, following in the morning."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.household import LAMP, Household

NEVER = {"evening": "00:00:00", "morning": "00:00:00"}
NOW = {"evening": "00:00:00", "morning": "23:59:59"}


def night(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    config = by_blueprint("quiet_at_night", **{"lamps": [LAMP]} | inputs)
    return automation(home, "night", **config)


async def test_the_lamp_is_dark_whatever_happens_and_follows_in_the_morning(
    home: Household,
) -> None:
    async with night(home, **NEVER, also=["input_boolean.quiet"]):
        await home.hass.call("input_boolean.turn_on", "input_boolean.quiet")
        await home.hass.until_state(LAMP, "off")
        await home.call()
        await home.hass.call("input_boolean.turn_off", "input_boolean.quiet")
        await home.hass.until_state(LAMP, "on", effect="presence", rgb_color=[255, 0, 0])


async def test_it_can_be_dim_instead(home: Household) -> None:
    async with night(home, **NEVER, also=["input_boolean.quiet"], brightness=10):
        await home.hass.call("input_boolean.turn_on", "input_boolean.quiet")
        await home.hass.until_state(LAMP, "on", brightness=26)
        await home.call()
        await home.hass.until_state(LAMP, "on", brightness=26, rgb_color=[255, 0, 0])
        await home.hass.call("input_boolean.turn_off", "input_boolean.quiet")
        await home.hass.until_state(LAMP, "on", brightness=255)


async def test_what_a_person_switches_on_at_night_stays_on(home: Household) -> None:
    async with night(home, **NOW):  # it is night when the automation comes
        await home.hass.until_state(LAMP, "off")
        # as an automation, whose action no person performs
        await home.stage.mqtt.publish(
            "presence/driver/lamp/light/set", '{"state":"ON","color":{"r":0,"g":0,"b":9}}'
        )
        await home.hass.until_state(LAMP, "on", rgb_color=[0, 0, 9])
        await home.hass.until_state(LAMP, "off")
        await home.hass.call("light.turn_on", LAMP, rgb_color=[255, 200, 100])
        await home.hass.until_state(LAMP, "on", rgb_color=[255, 200, 100])
        await home.call()
        await home.hass.until_state("automation.night", "on", current=0)
        assert home.hass.states[LAMP]["attributes"]["rgb_color"] == [255, 200, 100]
    await home.follow_presence()
