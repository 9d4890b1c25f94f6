"""The entities of the bridge and account devices, as data. Never builds a payload.

Rules: Home Assistant documentation, "MQTT" and "MQTT Discovery" (device discovery, 2024.11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bridge.contract.account import SignInState
from bridge.contract.presence import Activity, Availability, WorkLocation
from bridge.contract.topics import OFFLINE, ONLINE, Topics

EVENT_TYPES = ("changed", "call_started", "call_ended", "online", "offline")
LOG_LEVELS = ("debug", "info", "warning", "error")


_SOURCE = "{{ {'source': value_json.work_location_source | default(none)} | to_json }}"


@dataclass(frozen=True)
class Entity:
    """One component of a device payload; ``options`` are Home Assistant's own keys."""

    key: str
    platform: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


def account_entities(
    topics: Topics, account: str, *, table: str | None = None, expire_after_s: int | None = None
) -> tuple[Entity, ...]:
    """What a person sees of an account, whose sign-in may be that of a whole ``table``.

    What comes from the account's state is unknown when nothing came for ``expire_after_s``.
    """
    entities = (*_presence(topics, account), *_sign_in(topics, account, table))
    if expire_after_s is None:
        return entities
    expiring = {"expire_after": expire_after_s}
    return tuple(
        replace(entity, options={**entity.options, **expiring})
        if entity.platform in ("sensor", "binary_sensor") and "state_topic" not in entity.options
        else entity
        for entity in entities
    )


def _presence(topics: Topics, account: str) -> tuple[Entity, ...]:
    return (
        _word(
            "availability",
            "Availability",
            Availability,
            icon="mdi:account-badge",
            json_attributes_topic=topics.account(account, "attributes"),
        ),
        _word("activity", "Activity", Activity, icon="mdi:account-voice"),
        _binary("busy", "Busy", "mdi:minus-circle"),
        _binary("in_call", "In a call", "mdi:phone-in-talk"),
        _binary("in_meeting", "In a meeting", "mdi:calendar-account", enabled=False),
        _binary("out_of_office", "Out of office", "mdi:airplane"),
        Entity(
            "status_message",
            "sensor",
            "Status message",
            {"value_template": "{{ value_json.status_message }}", "icon": "mdi:message-text"},
        ),
        _word(
            "work_location",
            "Work location",
            WorkLocation,
            icon="mdi:office-building",
            value_template="{{ value_json.work_location | default(none) }}",  # new: may be missing
            json_attributes_topic=topics.account(account, "state"),
            json_attributes_template=_SOURCE,
        ),
        Entity(
            "last_changed",
            "sensor",
            "Last changed",
            {"device_class": "timestamp", "value_template": "{{ value_json.changed_at }}"},
        ),
        Entity(
            "presence_change",
            "event",
            "Presence change",
            {
                "state_topic": topics.account(account, "event"),
                "event_types": list(EVENT_TYPES),
                "icon": "mdi:account-switch",
            },
        ),
    )


def _sign_in(topics: Topics, account: str, table: str | None) -> tuple[Entity, ...]:
    auth = topics.table(table, "auth") if table else topics.account(account, "auth")
    while_it_runs = {"availability": [{"topic": topics.bridge_state}]}
    sign_in = {**while_it_runs, "state_topic": auth}
    button = {
        **while_it_runs,
        "payload_press": f'{{"account":"{table or account}"}}',
        "entity_category": "config",
    }
    return (
        Entity(
            "signin_state",
            "sensor",
            "Sign-in",
            sign_in
            | {
                "device_class": "enum",
                "options": [item.value for item in SignInState],
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": auth,
                "entity_category": "diagnostic",
                "icon": "mdi:account-key",
            },
        ),
        Entity(
            "signin_code",
            "sensor",
            "Sign-in code",
            sign_in
            | {
                "value_template": "{{ value_json.user_code }}",
                "entity_category": "diagnostic",
                "icon": "mdi:form-textbox-password",
            },
        ),
        Entity(
            "signin",
            "button",
            "Sign in",
            button | {"command_topic": topics.request("signin"), "icon": "mdi:login"},
        ),
        Entity(
            "signin_cancel",
            "button",
            "Cancel sign-in",
            button | {"command_topic": topics.request("signin_cancel"), "icon": "mdi:cancel"},
        ),
    )


def bridge_entities(topics: Topics) -> tuple[Entity, ...]:
    """What a person sees of the service itself."""
    health, info = topics.bridge_health, topics.bridge_info
    return (
        Entity(
            "connection",
            "binary_sensor",
            "Connection",
            {
                "device_class": "connectivity",
                "state_topic": topics.bridge_state,
                "payload_on": ONLINE,
                "payload_off": OFFLINE,
                "availability": [],
                "entity_category": "diagnostic",
            },
        ),
        Entity(
            "poll_problem",
            "binary_sensor",
            "Poll problem",
            {
                "device_class": "problem",
                "state_topic": health,
                "value_template": "{{ 'OFF' if value_json.healthy else 'ON' }}",
                "json_attributes_topic": health,
                "expire_after": 240,
                "entity_category": "diagnostic",
            },
        ),
        _diagnostic("last_poll", "Last poll", health, "last_poll_ok", device_class="timestamp"),
        _diagnostic("started", "Started", info, "started", device_class="timestamp"),
        _diagnostic("version", "Version", info, "version", enabled=True),
        Entity(
            "last_command",
            "sensor",
            "Last command",
            {
                "state_topic": topics.last_command,
                "value_template": "{{ value_json.command }}"
                "{{ ' refused' if value_json.error else '' }}",
                "json_attributes_topic": topics.last_command,
                "entity_category": "diagnostic",
                "icon": "mdi:message-alert",
            },
        ),
        _button("poll", "Poll now", topics, icon="mdi:refresh"),
        _button("restart", "Restart", topics, device_class="restart"),
        Entity(
            "log_level",
            "select",
            "Log level",
            {
                "command_topic": topics.request("log_level"),
                "command_template": '{"level":"{{ value }}"}',
                "state_topic": info,
                "value_template": "{{ value_json.log_level }}",
                "options": list(LOG_LEVELS),
                "entity_category": "config",
                "icon": "mdi:text-box-search",
            },
        ),
    )


def _word(key: str, name: str, words: Iterable[StrEnum], *, icon: str, **options: str) -> Entity:
    """What is told in one of a few words, under ``key`` of the state."""
    told = {"device_class": "enum", "options": [word.value for word in words], "icon": icon}
    return Entity(
        key, "sensor", name, told | {"value_template": f"{{{{ value_json.{key} }}}}"} | options
    )


def _binary(key: str, name: str, icon: str, *, enabled: bool = True) -> Entity:
    options: dict[str, Any] = {"value_template": f"{{{{ value_json.{key} }}}}", "icon": icon}
    if not enabled:
        options["enabled_by_default"] = False
    return Entity(key, "binary_sensor", name, options)


def _diagnostic(
    key: str,
    name: str,
    topic: str,
    value: str,
    *,
    device_class: str | None = None,
    enabled: bool = False,
) -> Entity:
    options: dict[str, Any] = {
        "state_topic": topic,
        "value_template": f"{{{{ value_json.{value} }}}}",
        "entity_category": "diagnostic",
        "enabled_by_default": enabled,
    }
    if device_class:
        options["device_class"] = device_class
    return Entity(key, "sensor", name, options)


def _button(
    key: str, name: str, topics: Topics, *, device_class: str | None = None, icon: str | None = None
) -> Entity:
    options: dict[str, Any] = {
        "command_topic": topics.request(key),
        "payload_press": "{}",
        "entity_category": "config",
    }
    options |= {"device_class": device_class} if device_class else {"icon": icon}
    return Entity(key, "button", name, options)
