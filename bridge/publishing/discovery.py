"""Home Assistant discovery payloads. Pure: equal content gives equal bytes.

Root, ``device`` and ``origin`` are closed: one unknown key or null there rejects the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.entities import Entity, account_entities, bridge_entities
from bridge.publishing.preferences import preference_entities

SUPPORT_URL = "https://github.com/presence-bridge/presence-bridge"
ORIGIN_NAME = "Presence Bridge"


def bridge_device(topics: Topics, version: str) -> Message:
    """The device of the service itself."""
    identifier = f"{topics.instance}_bridge"
    return _message(
        topics.bridge_config(),
        device={
            "identifiers": [identifier],
            "name": "Presence Bridge",
            "manufacturer": "Presence Bridge",
            "model": "Microsoft Teams presence",
            "sw_version": version,
        },
        version=version,
        entities=bridge_entities(topics),
        shared={"availability": [{"topic": topics.bridge_state}]},
        prefix=identifier,
        object_prefix="presence_bridge",
    )


def account_device(
    topics: Topics, account: str, name: str, version: str, *, settable: bool = False
) -> Message:
    """The device of one account; ``settable``: its presence can be set from here."""
    identifier = f"{topics.instance}_account_{account}"
    preferences = preference_entities(topics, account) if settable else ()
    return _message(
        topics.account_config(account),
        device={
            "identifiers": [identifier],
            "name": f"Teams {name}",
            "manufacturer": "Microsoft",
            "model": "Teams presence",
            "via_device": f"{topics.instance}_bridge",
        },
        version=version,
        entities=(*account_entities(topics, account), *preferences),
        shared={
            "availability": [
                {"topic": topics.bridge_state},
                {"topic": topics.account(account, "availability")},
            ],
            "availability_mode": "all",
            "state_topic": topics.account(account, "state"),
        },
        prefix=identifier,
        object_prefix=f"teams_{account}",
    )


def _message(
    topic: str,
    *,
    device: dict[str, Any],
    version: str,
    entities: Iterable[Entity],
    shared: dict[str, Any],
    prefix: str,
    object_prefix: str,
) -> Message:
    components = {
        entity.key: {
            "platform": entity.platform,
            "unique_id": f"{prefix}_{entity.key}",
            "default_entity_id": f"{entity.platform}.{object_prefix}_{entity.key}",
            "name": entity.name,
            "qos": 1,
            **entity.options,
        }
        for entity in entities
    }
    origin = {"name": ORIGIN_NAME, "sw_version": version, "support_url": SUPPORT_URL}
    payload = {"device": device, "origin": origin, "components": components, **shared}
    return Message(topic, encode_json(payload))
