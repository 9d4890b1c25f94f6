"""Which topics a lamp of kind ``mqtt`` shares with its device (docs/lights/mqtt.md).

The bridge never imports a driver, so the topics stand here a second time; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_GAP = re.compile(r"[^/]*\{[^/]*")
_ONE_LINE = re.compile(r"[^\x00-\x1f]+")
_TASMOTA_PREFIX = "%prefix%"


@dataclass(frozen=True, slots=True)
class DeviceTopics:
    """What the lamp sends to its device, and where it listens."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


def device_topics(table: Mapping[str, Any]) -> DeviceTopics:
    """The topics of the device in ``[drivers.NAME]``; none for another kind, or a wrong table."""
    topic, device = table.get("topic"), table.get("device")
    if table.get("kind") != "mqtt" or not (isinstance(topic, str) and _ONE_LINE.fullmatch(topic)):
        return DeviceTopics()
    if device in {"zigbee2mqtt", "tasmota", "esphome", "wled"}:
        topic = topic.rstrip("/") or topic
    own_state, own_availability = table.get("state_topic"), table.get("availability_topic")
    match device:
        case "zigbee2mqtt":
            parts = topic.split("/")
            folders = ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
            write = [f"{topic}/set", f"{topic}/get"]
            read = [topic, own_availability or f"{topic}/availability"]
            read += [f"{folder}/bridge/state" for folder in folders]
        case "esphome":
            node = topic.rpartition("/light/")[0] or topic
            write = [f"{topic}/command"]
            read = [own_state or f"{topic}/state", own_availability or f"{node}/status"]
        case "tasmota":
            full = topic if _TASMOTA_PREFIX in topic else f"{_TASMOTA_PREFIX}/{topic}"
            command, answers, telemetry = (
                full.replace(_TASMOTA_PREFIX, word) + "/#" for word in ("cmnd", "stat", "tele")
            )
            write, read = [command], [answers, telemetry, own_availability]
        case "wled":
            write, read = [f"{topic}/api"], [f"{topic}/v", own_availability or f"{topic}/status"]
        case _:
            write, read = [_GAP.sub("+", topic)], [own_state, own_availability]
    heard = (str(topic) for topic in read if topic)
    return DeviceTopics(tuple(write), tuple(topic for topic in heard if _ONE_LINE.fullmatch(topic)))
