"""What blueprints still know after a restart of Home Assistant, in the middle of a call."""

from __future__ import annotations

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.household import ACTIVITY, SIGN_IN, Household
from tests.homeassistant.test_sign_in_needed import SHOWN, shown

DOOR, RED = "light.door", [255, 0, 0]
ON_AIR = by_blueprint("light_in_a_call", activity=ACTIVITY, lights=[DOOR], transition=0)


async def test_after_the_call_the_light_is_off(home: Household) -> None:
    async with automation(home, "on_air", **ON_AIR):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        await home.restart()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        await home.hass.until_state("scene.presence_on_air_door")
        await home.hang_up()
        await home.hass.until_state(DOOR, "off")


async def test_a_call_that_ended_meanwhile_leaves_no_light(home: Household) -> None:
    async with automation(home, "on_air", **ON_AIR):
        await home.call()
        await home.hass.until_state(DOOR, "on", rgb_color=RED)
        home.server.stop()
        home.stage.be("Available")
        await home.stage.mqtt.until(
            "presence/account/alice/state",
            lambda h: h.json["activity"] == "available",
            since=len(home.stage.mqtt.heard),
        )
        await home.restart()
        await home.hass.until_state(DOOR, "off")


async def test_what_is_still_needed_is_redisplayed(home: Household) -> None:
    alarm = by_blueprint("sign_in_needed", people=[SIGN_IN], patience=0)
    async with automation(home, "alarm", **alarm):
        await home.be_thrown_out()
        await home.hass.until(SHOWN, lambda: shown(home))
        await home.restart()
        await home.hass.until(SHOWN, lambda: shown(home))
