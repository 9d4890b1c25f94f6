"""The blueprint ``sign_in_needed``: a person with a phone, and no shell, signs in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.household import SIGN_IN, Household
from tests.homeassistant.phone import NAME, Notification

SHOWN = "presence_sign_in_teams_alice_signin_state"


async def phone_id(home: Household) -> str:
    devices = await home.hass.command("config/device_registry/list")
    return next(str(one["id"]) for one in devices if one["name"] == NAME)


def alarm(home: Household, **inputs: Any) -> AbstractAsyncContextManager[str]:
    wanted = {"people": [SIGN_IN], "patience": 0} | inputs
    return automation(home, "alarm", **by_blueprint("sign_in_needed", **wanted))


def shown(home: Household) -> str:
    return str(home.hass.notifications.get(SHOWN, {}).get("message", ""))


def says(text: str) -> Any:
    return lambda notification: text in notification["message"]


def buttons(notification: Notification) -> list[str]:
    return [one["action"] for one in notification["data"]["actions"]]


async def test_the_code_is_on_the_phone_and_goes_when_it_was_entered(home: Household) -> None:
    hass, since = home.hass, len(home.phone.heard)
    async with alarm(home, phones=[await phone_id(home)]):
        await home.be_thrown_out()
        waiting = await hass.until_state(SIGN_IN, "device_code_pending", "expired")
        if waiting["state"] == "expired":
            ended = await home.phone.until(
                lambda n: n["data"].get("actions") and "URI" not in buttons(n), since=since
            )
            assert ended["title"] == "Teams Alice: sign-in needed"
            await home.phone.press(hass, buttons(ended)[0])
            waiting = await hass.until_state(SIGN_IN, "device_code_pending")
        code = waiting["attributes"]["user_code"]
        address = waiting["attributes"]["verification_uri"]

        heard = await home.phone.until(says(code), since=since)
        assert heard["title"] == "Teams Alice: sign-in needed"
        assert address in heard["message"]
        assert heard["data"]["clickAction"] == heard["data"]["url"] == address
        assert heard["data"]["actions"][0]["uri"] == address
        await hass.until(SHOWN, lambda: code in shown(home) and address in shown(home))

        await hass.call("button.press", "button.teams_alice_signin_cancel")
        await hass.until_state(SIGN_IN, "signed_out", "expired")
        await hass.call("button.press", "button.teams_alice_signin")
        newer = await hass.until(SIGN_IN, lambda: _other_code(home, code))
        await home.phone.until(says(newer), since=since)
        await hass.until(SHOWN, lambda: newer in shown(home))

        await home.sign_in()
        gone = await home.phone.until(says("clear_notification"), since=since)
        assert gone["data"]["tag"] == heard["data"]["tag"]
        await hass.until(SHOWN, lambda: SHOWN not in hass.notifications)


def _other_code(home: Household, code: str) -> str | None:
    now = home.hass.states[SIGN_IN]["attributes"].get("user_code")
    return now if now and now != code else None


async def test_who_signed_out_can_sign_in_with_a_button_on_the_phone(home: Household) -> None:
    hass, since = home.hass, len(home.phone.heard)
    async with alarm(home, phones=[await phone_id(home)]):
        await home.stage.mqtt.publish("presence/bridge/request/signout", '{"account":"alice"}')
        await hass.until_state(SIGN_IN, "signed_out")
        ended = await home.phone.until(lambda n: bool(n.get("title")), since=since)
        await hass.until(SHOWN, lambda: "/config/devices/device/" in shown(home))
        await home.phone.press(hass, buttons(ended)[0])
        waiting = await hass.until_state(SIGN_IN, "device_code_pending")
        await home.phone.until(says(waiting["attributes"]["user_code"]), since=since)
        await home.sign_in()
        await hass.until(SHOWN, lambda: SHOWN not in hass.notifications)


async def test_who_sets_it_up_late_sees_the_code_too_and_more_can_be_done(
    home: Household,
) -> None:
    hass = home.hass
    await home.be_thrown_out()
    if hass.states[SIGN_IN]["state"] != "device_code_pending":
        await hass.call("button.press", "button.teams_alice_signin")
    waiting = await hass.until_state(SIGN_IN, "device_code_pending")
    also = {
        "action": "persistent_notification.create",
        "data": {"notification_id": "also", "message": "{{ title }}|{{ code }}|{{ address }}"},
    }
    async with alarm(home, also=[also]):
        await hass.until("also", lambda: "also" in hass.notifications)
        code, address = (waiting["attributes"][name] for name in ("user_code", "verification_uri"))
        expected = f"Teams Alice: sign-in needed|{code}|{address}"
        assert hass.notifications["also"]["message"] == expected
        await home.sign_in()
        await hass.until(SHOWN, lambda: SHOWN not in hass.notifications)
    await hass.call("persistent_notification.dismiss", notification_id="also")
