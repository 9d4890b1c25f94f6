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


async def test_where_a_person_works_is_set_and_given_back_to_the_calendar(stage: Stage) -> None:
    stage.configure("set_presence = true")
    stage.start("bridge", "run")
    first = await stage.mqtt.until(STATE)
    assert (first.json["work_location"], first.json["work_location_source"]) == (
        "unspecified",
        "none",
    )
    select = stage.mqtt.last[DEVICE].json["components"]["set_work_location"]
    asked = select["command_template"].replace("{{ value }}", "remote")
    assert select["command_topic"] == "presence/bridge/request/set_work_location"

    answer = await ask(stage, "set_work_location", asked)
    assert (answer["status"], answer["data"]) == ("ok", {"location": "remote"})
    chosen = await stage.mqtt.until(STATE, lambda h: h.json["work_location"] == "remote")
    assert chosen.json["work_location_source"] == "manual"

    await ask(stage, "set_work_location", '{"account":"alice","location":"automatic"}')
    since = len(stage.mqtt.heard) - 1
    await stage.mqtt.until(STATE, lambda h: h.json["work_location"] == "unspecified", since=since)

    answer = await ask(stage, "set_work_location", '{"account":"alice","location":"moon"}')
    assert "location must be one of" in answer["error"]
    kept = await stage.mqtt.until("presence/bridge/last_command", lambda h: h.json["error"])
    assert kept.json["command"] == "set_work_location"


async def test_it_is_off_unless_asked_for_and_can_be_removed(stage: Stage) -> None:
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
    settable = {"set_status_message", "set_work_location", "clear_presence"}
    assert settable <= added.json["components"].keys()
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
