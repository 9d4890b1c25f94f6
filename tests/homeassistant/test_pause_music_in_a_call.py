"""The blueprint ``pause_music_in_a_call``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.household import IN_CALL, Household

RADIO, SPEAKER = "media_player.radio", "media_player.speaker"


def music(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    wanted = {"in_call": IN_CALL, "players": [RADIO, SPEAKER], "rest": 0} | inputs
    return automation(home, "music", **by_blueprint("pause_music_in_a_call", **wanted))


async def plays(home: Household, player: str, state: str) -> None:
    """Press a button of ``player``, or of its remote control."""
    name = player.split(".")[1]
    await home.hass.call("input_select.select_option", f"input_select.{name}", option=state)
    await home.hass.until_state(player, state)


async def test_what_played_is_paused_and_goes_on(home: Household) -> None:
    await plays(home, RADIO, "playing")
    await plays(home, SPEAKER, "paused")
    async with music(home):
        await home.call()
        await home.hass.until_state(RADIO, "paused")
        await home.hang_up()
        await home.hass.until_state(RADIO, "playing")
        assert home.hass.states[SPEAKER]["state"] == "paused", "it was paused before"


async def test_what_a_person_does_during_the_call_stays(home: Household) -> None:
    await plays(home, RADIO, "playing")
    await plays(home, SPEAKER, "playing")
    async with music(home):
        await home.call()
        for player in (RADIO, SPEAKER):
            await home.hass.until_state(player, "paused")
        await plays(home, RADIO, "idle")
        await home.hang_up()
        await home.hass.until_state(SPEAKER, "playing")
        assert home.hass.states[RADIO]["state"] == "idle"


async def test_it_can_stay_paused(home: Household) -> None:
    await plays(home, RADIO, "playing")
    async with music(home, resume=False) as entity_id:
        await home.call()
        await home.hass.until_state(RADIO, "paused")
        await home.hang_up()
        await home.hass.until_state(entity_id, "on", current=0)
        assert home.hass.states[RADIO]["state"] == "paused"
