"""Home Assistant discovery payloads. Pure: equal content gives equal bytes.

Root, ``device`` and ``origin`` are closed: one unknown key or null there rejects the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from bridge import SUPPORT_URL
from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.account_messages import STATE_EXPIRY_S
from bridge.publishing.discovery.entities import (
    Entity,
    account_entities,
    bridge_entities,
    preference_entities,
)

ORIGIN_NAME = "Presence Bridge"
Components = dict[str, str]
"""Component keys and their platforms."""


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
    topics: Topics, slug: str, account: Followed, version: str, *, expires: bool = False
) -> Message:
    """The device of one account.

    ``expires``: the broker forgets nothing by itself, so Home Assistant has to. It is for single
    accounts only, whose state is sent again often enough.
    """
    identifier = f"{topics.instance}_account_{slug}"
    return _message(
        topics.account_config(slug),
        device={
            "identifiers": [identifier],
            "name": f"Teams {account.name}",
            "manufacturer": "Microsoft",
            "model": "Teams presence",
            "via_device": f"{topics.instance}_bridge",
        },
        version=version,
        entities=_entities(
            topics,
            slug,
            account,
            expire_after_s=STATE_EXPIRY_S if expires and account.table is None else None,
        ),
        shared={
            "availability": [
                {"topic": topics.bridge_state},
                {"topic": topics.account(slug, "availability")},
            ],
            "availability_mode": "all",
            "state_topic": topics.account(slug, "state"),
        },
        prefix=identifier,
        object_prefix=f"teams_{slug}",
    )


@lru_cache(maxsize=4)
def bridge_components(topics: Topics) -> Components:
    """The component keys and platforms of the bridge device."""
    return {entity.key: entity.platform for entity in bridge_entities(topics)}


@lru_cache(maxsize=4)
def account_components(topics: Topics, *, settable: bool) -> Components:
    """Those of an account device."""
    account = Followed("", settable=settable)
    return {entity.key: entity.platform for entity in _entities(topics, "x", account)}


def _entities(
    topics: Topics, slug: str, account: Followed, *, expire_after_s: int | None = None
) -> Iterable[Entity]:
    yield from account_entities(topics, slug, table=account.table, expire_after_s=expire_after_s)
    if account.settable:
        yield from preference_entities(topics, slug)


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
