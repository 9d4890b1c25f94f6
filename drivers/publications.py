"""What a lamp publishes: its device in Home Assistant, availability, state and rule. Pure.

Rules: Home Assistant documentation, "MQTT Discovery" and "MQTT Light" (JSON schema).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bridge import SUPPORT_URL, __version__
from bridge.contract.light import LightState
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import Message, encode_json
from drivers.base import Capability
from drivers.manual import FROZEN, PRESENCE, Mode, light_state
from drivers.rules import Decision, Shown


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

    def state(self, mode: Mode, shown: Shown, capability: Capability) -> Message:
        """What the lamp shows, as Home Assistant's light."""
        payload = light_state(mode, shown, {capability})
        return Message(self._topics.light(self._driver, "state"), encode_json(payload))

    def rule(
        self,
        decision: Decision,
        mode: Mode,
        shown: Shown,
        capability: Capability,
        clock_apart: timedelta,
    ) -> Message:
        """Why the lamp shows what it shows."""
        payload = {
            "rule": decision.rule,
            "account": decision.account,
            "mode": mode.name,
            "look": shown.model_dump(mode="json") if isinstance(shown, LightState) else None,
            "capability": capability,
            "clock_apart_s": round(clock_apart.total_seconds()),
        }
        return Message(self._topics.light(self._driver, "rule"), encode_json(payload))

    def device(self, capability: Capability) -> Message:
        """The device in Home Assistant."""
        identifier = f"{self._topics.instance}_light_{self._driver}"
        light: dict[str, Any] = {
            "platform": "light",
            "schema": "json",
            "unique_id": identifier,
            "default_entity_id": f"light.{self._driver.replace('-', '_')}",
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
        payload = {
            "device": {
                "identifiers": [identifier],
                "name": self._name,
                "manufacturer": "Presence Bridge",
                "model": f"{self._kind} light",
                "sw_version": __version__,
            },
            "origin": {
                "name": "Presence Bridge",
                "sw_version": __version__,
                "support_url": SUPPORT_URL,
            },
            "components": {"light": light},
            "availability": [
                {"topic": self._topics.driver_state(self._driver)},
                {"topic": self._topics.light(self._driver, "availability")},
            ],
            "availability_mode": "all",
        }
        return Message(self._topics.light_config(self._driver), encode_json(payload))
