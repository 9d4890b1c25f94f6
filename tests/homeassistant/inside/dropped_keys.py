"""Which keys of discovery payloads Home Assistant drops in silence. Runs in its own Python.

A key of a component that it does not know is left out by its schema, without a line in its log. The
names of its inside are those of the release that ``scripts/homeassistant`` installs.
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

from homeassistant.components.mqtt import schemas  # type: ignore[import-not-found]
from homeassistant.core import HomeAssistant  # type: ignore[import-not-found]


async def main() -> None:
    """Compare what goes into each schema with what comes out of it."""
    payloads = json.load(sys.stdin)
    hass = HomeAssistant("/tmp")
    dropped, checked = [], 0
    for topic, payload in payloads.items():
        schemas.DEVICE_DISCOVERY_SCHEMA(payload)
        shared = {
            key: value
            for key, value in payload.items()
            if key not in ("components", "device", "origin")
        }
        for key, component in payload["components"].items():
            whole = {"device": payload["device"], "origin": payload["origin"]} | component
            if component["platform"] != "device_automation":
                whole = shared | whole
            del whole["platform"]  # read before the schema of the platform
            taken = _schema(component["platform"])(whole)
            checked += 1
            # what all components share is for those that know it
            own = component.keys() - taken.keys() - {"platform"}
            dropped += [[topic, key, name] for name in sorted(own)]
    await hass.async_stop(force=True)
    json.dump({"checked": checked, "dropped": dropped}, sys.stdout)


def _schema(platform: str) -> Any:
    """The schema by which Home Assistant reads a component."""
    if platform == "device_automation":
        return import_module(
            "homeassistant.components.mqtt.device_trigger"
        ).TRIGGER_DISCOVERY_SCHEMA
    return import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA


if __name__ == "__main__":
    asyncio.run(main())
