"""What a lamp publishes: its device in Home Assistant, availability, state and reasons. Pure.

Rules: Home Assistant documentation, "MQTT Discovery" and "MQTT Light" (JSON schema).
"""

from __future__ import annotations

from typing import Any

from bridge import SUPPORT_URL, __version__
from bridge.contract.light import FROZEN, PRESENCE, LightState
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import Message, encode_json
from drivers.base import Capability
from drivers.runtime.manual import light_state
from drivers.runtime.showing import Showing

_FOLLOWS = "{{ 'ON' if value_json.get('effect') == '" + PRESENCE + "' else 'OFF' }}"


class Publications:
    """The messages of the lamp ``driver``; ``name`` is for people."""

    def __init__(self, topics: Topics, driver: str, *, name: str, kind: str) -> None:
        self._topics, self._driver = topics, driver
        self._name, self._kind = name, kind

    def online(self) -> Message:
        """The driver is there; its last will says otherwise."""
        return Message(self._topics.driver_state(self._driver), ONLINE.encode())

    def availability(self, *, reachable: bool) -> Message:
        """Whether the light answers."""
        payload = ONLINE if reachable else OFFLINE
        return Message(self._topics.light(self._driver, "availability"), payload.encode())

    def state(self, showing: Showing) -> Message:
        """What the lamp shows, as Home Assistant's light."""
        payload = light_state(showing.mode, showing.shown, showing.capability)
        return Message(self._topics.light(self._driver, "state"), encode_json(payload))

    def rule(self, showing: Showing) -> Message:
        """The rule that presence decides by, as attributes of Home Assistant's light."""
        look = showing.shown
        payload = {
            "rule": showing.decision.rule,
            "account": showing.decision.account,
            "mode": showing.mode.name,
            "look": look.model_dump(mode="json") if isinstance(look, LightState) else None,
            "left": showing.left,
            "capability": showing.capability,
            "clock_apart_s": round(showing.clock_apart.total_seconds()),
        }
        return Message(self._topics.light(self._driver, "rule"), encode_json(payload))

    def why(self, showing: Showing) -> Message:
        """The whole explanation, for people."""
        payload = showing.why().model_dump(mode="json")
        return Message(self._topics.light(self._driver, "why"), encode_json(payload))

    def device(self, capability: Capability, below_bridge: bool) -> Message:  # noqa: FBT001 - a fact
        """The device in Home Assistant, below the bridge's where there is one.

        A device below one that is never announced leaves an empty one behind.
        """
        identifier = f"{self._topics.instance}_light_{self._driver}"
        entity_id = self._driver.replace("-", "_")
        via = {"via_device": f"{self._topics.instance}_bridge"} if below_bridge else {}
        light: dict[str, Any] = {
            "platform": "light",
            "schema": "json",
            "unique_id": identifier,
            "default_entity_id": f"light.{entity_id}",
            "name": None,
            "qos": 1,
            "state_topic": self._topics.light(self._driver, "state"),
            "command_topic": self._topics.light(self._driver, "set"),
            "json_attributes_topic": self._topics.light(self._driver, "rule"),
            "supported_color_modes": [capability],
            "brightness": capability is not Capability.ON_OFF,
            "effect": True,
            "effect_list": [PRESENCE, FROZEN],
            "flash": False,
            "transition": False,
        }
        follow: dict[str, Any] = {
            "platform": "switch",
            "unique_id": f"{identifier}_follow_presence",
            "default_entity_id": f"switch.{entity_id}_follow_presence",
            "name": "Follow presence",
            "icon": "mdi:account-eye",
            "qos": 1,
            "state_topic": self._topics.light(self._driver, "state"),
            "value_template": _FOLLOWS,
            "state_on": "ON",
            "state_off": "OFF",
            "command_topic": self._topics.light(self._driver, "set"),
            "payload_on": encode_json({"effect": PRESENCE}).decode(),
            "payload_off": encode_json({"effect": FROZEN}).decode(),
        }
        payload = {
            "device": {
                "identifiers": [identifier],
                "name": self._name,
                "manufacturer": "Presence Bridge",
                "model": f"{self._kind} light",
                "sw_version": __version__,
                **via,
            },
            "origin": {
                "name": "Presence Bridge",
                "sw_version": __version__,
                "support_url": SUPPORT_URL,
            },
            "components": {"light": light, "follow_presence": follow},
            "availability": [
                {"topic": self._topics.driver_state(self._driver)},
                {"topic": self._topics.light(self._driver, "availability")},
            ],
            "availability_mode": "all",
        }
        return Message(self._topics.light_config(self._driver), encode_json(payload))
