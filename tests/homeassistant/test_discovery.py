"""Home Assistant takes every entity that we announce, with every key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from bridge.publishing.discovery.devices import ORIGIN_NAME
from tests.homeassistant.household import ACTIVITY, LAMPS, Household

DROPPED = Path(__file__).parent / "inside/dropped_keys.py"


def announced(home: Household) -> dict[str, dict[str, Any]]:
    """What bridge and lamp have announced, by topic."""
    return {
        topic: heard.json
        for topic, heard in home.stage.mqtt.last.items()
        if topic.startswith("homeassistant/") and topic.endswith("/config") and heard.payload
        if heard.json.get("origin", {}).get("name") == ORIGIN_NAME
    }


async def test_every_component_is_in_the_registry(home: Household) -> None:
    payloads = announced(home)
    assert len(payloads) == 3 + len(LAMPS), "the bridge, Alice, Bob and the lamps"
    entities = await home.hass.command("config/entity_registry/list")
    found = {(one["entity_id"].split(".")[0], one["unique_id"]) for one in entities}
    triggers = await _triggers(home)
    missing = [
        (topic, key)
        for topic, payload in payloads.items()
        for key, component in payload["components"].items()
        if (component["platform"], component.get("unique_id")) not in found
        and (component.get("type"), component.get("subtype")) not in triggers
    ]
    assert not missing


async def _triggers(home: Household) -> set[tuple[str, str]]:
    found = set()
    for device in await home.hass.command("config/device_registry/list"):
        for one in await home.hass.command(
            "device_automation/trigger/list", device_id=device["id"]
        ):
            found.add((one.get("type"), one.get("subtype")))
    return found


async def test_home_assistant_warns_of_nothing_since_its_start(home: Household) -> None:
    assert home.server.loud() == []


async def test_every_entity_has_the_name_that_the_docs_use(home: Household) -> None:
    wrong = [
        (component["default_entity_id"], key)
        for payload in announced(home).values()
        for key, component in payload["components"].items()
        if "default_entity_id" in component
        and component.get("enabled_by_default", True)
        and component["default_entity_id"] not in home.hass.states
    ]
    assert not wrong


async def test_lamps_differ_in_name_and_kind_alone(home: Household) -> None:
    payloads = announced(home)
    ids = {payload["device"]["identifiers"][0]: payload for payload in payloads.values()}
    components = {
        json.dumps(ids[f"presence_light_{lamp}"]["components"]).replace(lamp, "NAME")
        for lamp in LAMPS
    }
    assert len(components) == 1, "settle, words and gamma are nothing to Home Assistant"


async def test_a_hidden_status_message_has_no_entity(home: Household) -> None:
    entity_id = "sensor.teams_alice_status_message"
    await home.hass.until_state(entity_id)
    with home.config_with("status_message = false", below='name = "Alice"'):
        home.reload()
        await home.hass.until(entity_id, lambda: entity_id not in home.hass.states)
        registered = await home.hass.command("config/entity_registry/list")
        assert entity_id not in {one["entity_id"] for one in registered}
        assert home.hass.states[ACTIVITY]["state"] == "available"
    home.reload()
    await home.hass.until_state(entity_id)


async def test_no_key_is_dropped_in_silence(home: Household) -> None:
    process = await asyncio.create_subprocess_exec(
        str(home.server.home / "enter"),
        str(home.server.home / "venv/bin/python"),
        "-c",
        DROPPED.read_text(encoding="utf-8"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, wrong = await process.communicate(json.dumps(announced(home)).encode())
    assert process.returncode == 0, wrong.decode()
    assert json.loads(said) == {"checked": _components(home), "dropped": []}


def _components(home: Household) -> int:
    return sum(len(payload["components"]) for payload in announced(home).values())
