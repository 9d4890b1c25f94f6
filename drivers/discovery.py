"""The lamp's device in Home Assistant. Pure.

Rules: Home Assistant documentation, "MQTT Discovery" and "MQTT Light" (JSON schema).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bridge import __version__
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from drivers.manual import FROZEN, PRESENCE

SUPPORT_URL = "https://github.com/presence-bridge/presence-bridge"


def light_device(
    topics: Topics, driver: str, *, name: str, kind: str, color_modes: Collection[str]
) -> Message:
    """The discovery message of one lamp."""
    identifier = f"{topics.instance}_light_{driver}"
    light: dict[str, Any] = {
        "platform": "light",
        "schema": "json",
        "unique_id": identifier,
        "default_entity_id": f"light.{driver.replace('-', '_')}",
        "name": None,
        "qos": 1,
        "state_topic": topics.light(driver, "state"),
        "command_topic": topics.light(driver, "set"),
        "json_attributes_topic": topics.light(driver, "rule"),
        "supported_color_modes": sorted(color_modes),
        "brightness": "onoff" not in color_modes,
        "effect": True,
        "effect_list": [PRESENCE, FROZEN],
        "flash": False,
        "transition": False,
    }
    payload = {
        "device": {
            "identifiers": [identifier],
            "name": name,
            "manufacturer": "Presence Bridge",
            "model": f"{kind} light",
            "sw_version": __version__,
        },
        "origin": {
            "name": "Presence Bridge",
            "sw_version": __version__,
            "support_url": SUPPORT_URL,
        },
        "components": {"light": light},
        "availability": [
            {"topic": topics.driver_state(driver)},
            {"topic": topics.light(driver, "availability")},
        ],
        "availability_mode": "all",
    }
    return Message(topics.light_config(driver), encode_json(payload))
