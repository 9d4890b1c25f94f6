"""The parts of a device payload, as data, and the few forms that most of them have.

Rules: Home Assistant documentation, "MQTT" and "MQTT Discovery" (device discovery, 2024.11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bridge.contract.topics import Topics

DIAGNOSTIC, CONFIG = "diagnostic", "config"


@dataclass(frozen=True)
class Component:
    """One entity, or a trigger of automations; ``options`` are Home Assistant's own keys."""

    key: str
    platform: str
    name: str | None
    """Of an entity; Home Assistant knows no ids and names of a trigger."""
    options: Mapping[str, Any]

    def payload(self, prefix: str, object_prefix: str) -> dict[str, Any]:
        """The component; ``prefix`` begins its unique id, ``object_prefix`` its entity id."""
        named = (
            {}
            if self.name is None
            else {
                "unique_id": f"{prefix}_{self.key}",
                "default_entity_id": f"{self.platform}.{object_prefix}_{self.key}",
                "name": self.name,
            }
        )
        return {"platform": self.platform, "qos": 0, **named, **self.options}


def entity(
    platform: str, key: str, name: str, *, value: str | None = None, **options: Any
) -> Component:
    """An entity that shows the key ``value`` of its JSON, where one is given."""
    template = {"value_template": f"{{{{ value_json.{value} }}}}"} if value else {}
    return Component(key, platform, name, template | options)


def sensor(key: str, name: str, *, value: str | None = None, **options: Any) -> Component:
    """A sensor, of the key of its own name where no other is given."""
    return entity("sensor", key, name, value=value or key, **options)


def binary(key: str, name: str, **options: Any) -> Component:
    """A binary sensor of the key of its own name."""
    return entity("binary_sensor", key, name, value=key, **options)


def enum(key: str, name: str, words: Iterable[StrEnum], **options: Any) -> Component:
    """A sensor that has one of ``words``."""
    return sensor(key, name, device_class="enum", options=words_of(words), **options)


def button(key: str, name: str, topics: Topics, *, command: str = "", **options: Any) -> Component:
    """A button that requests ``command``, or what its own key names, at QoS 1.

    For those that are there while the bridge runs: all that is subscribed to for one is that.
    """
    topic = topics.request(command or key)
    return entity(
        "button", key, name, command_topic=topic, entity_category=CONFIG, qos=1, **options
    )


def trigger(
    topic: str,
    event: str,
    *,
    kind: str,
    subtype: str,
    template: str = "{{ value_json.event_type }}",
) -> Component:
    """What automations can begin with: ``event`` on ``topic``, without an entity."""
    options = {
        "automation_type": "trigger",
        "type": kind,
        "subtype": subtype,
        "topic": topic,
        "value_template": template,
        "payload": event,
    }
    return Component(f"on_{event}", "device_automation", None, options)


def attributes(*keys: str, **named: str) -> str:
    """A template for these keys of the JSON alone; ``named`` gives a key another name.

    Home Assistant stores all attributes at each change of one: what changes at each poll is no
    attribute. A key that is missing, as in a message of the last release, is null.
    """
    pairs = {**dict(zip(keys, keys, strict=True)), **named}
    inside = ", ".join(f"'{name}': value_json.{key} | default(none)" for name, key in pairs.items())
    return f"{{{{ {{{inside}}} | to_json }}}}"


def words_of(words: Iterable[StrEnum]) -> list[str]:
    """The values of an enum, for Home Assistant."""
    return [word.value for word in words]
