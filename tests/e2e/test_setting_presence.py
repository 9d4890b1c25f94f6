"""Setting presence from Home Assistant, through the broker to Teams and back."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Stage

PREFERRED = "presence/account/alice/preferred"
STATE = "presence/account/alice/state"
DEVICE = "homeassistant/device/presence_account_alice/config"


async def ask(stage: Stage, command: str, payload: str) -> dict[str, Any]:
    since = len(stage.mqtt.heard)
    await stage.mqtt.publish(f"presence/bridge/request/{command}", payload)
    heard = await stage.mqtt.until(f"presence/bridge/response/{command}", since=since)
    answer: dict[str, Any] = heard.json
    return answer


async def test_a_person_is_shown_as_they_chose_until_they_clear_it(stage: Stage) -> None:
    stage.configure("set_presence = true")
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    unknown = await stage.mqtt.until(PREFERRED)
    assert unknown.json == {"presence": None, "until": None}

    answer = await ask(stage, "set_presence", '{"account":"alice","presence":"do_not_disturb"}')
    assert (answer["status"], answer["data"]["presence"]) == ("ok", "do_not_disturb")
    chosen = await stage.mqtt.until(PREFERRED, lambda h: h.json["presence"] == "do_not_disturb")
    assert chosen.json["until"]
    await stage.mqtt.until(STATE, lambda h: h.json["availability"] == "do_not_disturb")

    await ask(stage, "set_status_message", '{"account":"alice","message":"Back at 3"}')
    await stage.mqtt.until(STATE, lambda h: h.json["status_message"] == "Back at 3")

    stage.stop(bridge)
    since = len(stage.mqtt.heard)
    stage.start("bridge", "run")
    kept = await stage.mqtt.until(PREFERRED, since=since)
    assert kept.json == chosen.json

    await ask(stage, "clear_presence", "{}")
    await stage.mqtt.until(PREFERRED, lambda h: h.json["presence"] == "automatic", since=since)
    cleared = await stage.mqtt.until(
        STATE, lambda h: h.json["availability"] == "available", since=since
    )
    assert cleared.json["status_message"] is None


async def test_it_is_off_unless_asked_for_and_goes_away_again(stage: Stage) -> None:
    stage.configure()
    stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    assert "preferred_presence" not in stage.mqtt.last[DEVICE].json["components"]
    answer = await ask(stage, "set_presence", '{"account":"alice","presence":"busy"}')
    assert answer["status"] == "error"
    assert "set_presence = true" in answer["error"]

    before = len(stage.mqtt.heard)
    stage.configure("set_presence = true")
    assert (await stage.command("bridge", "reload")).returncode == 0
    added = await stage.mqtt.until(
        DEVICE, lambda h: bool(h.payload) and "preferred_presence" in h.json["components"]
    )
    assert {"set_status_message", "clear_presence"} <= added.json["components"].keys()
    await stage.mqtt.until(PREFERRED)

    since = len(stage.mqtt.heard)
    stage.configure()
    assert (await stage.command("bridge", "reload")).returncode == 0
    await stage.mqtt.until_text(PREFERRED, "", since=since)
    bare = {"platform": "select"}
    await stage.mqtt.until(
        DEVICE, lambda h: h.json["components"].get("preferred_presence") == bare, since=since
    )
    await stage.mqtt.until(
        DEVICE, lambda h: "preferred_presence" not in h.json["components"], since=since
    )
    told = [heard.topic for heard in stage.mqtt.heard[before:]]
    assert "presence/account/alice/availability" not in told, "the account goes on"
