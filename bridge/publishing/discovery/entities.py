"""The entities of the bridge and account devices, as data.

Rules: Home Assistant documentation, "MQTT" and "MQTT Discovery" (device discovery, 2024.11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bridge.contract.account import SignInState
from bridge.contract.preferred import PreferredLocation, PreferredPresence
from bridge.contract.presence import Activity, Availability, WorkLocation
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import STATUS_LIMIT

EVENT_TYPES = ("changed", "call_started", "call_ended", "online", "offline")
LOG_LEVELS = ("debug", "info", "warning", "error")
_SOURCE = "{{ {'source': value_json.work_location_source | default(none)} | to_json }}"
_SET_BY_HAND = (
    "{% if value_json.work_location is none or value_json.work_location is undefined %}None"
    "{% elif value_json.work_location_source == 'manual' and value_json.work_location in "
    f"{[item.value for item in PreferredLocation]}"
    " %}{{ value_json.work_location }}{% else %}automatic{% endif %}"
)
"""Read from Microsoft, so that it is right whoever set it; unknown where a cloud has none."""


@dataclass(frozen=True)
class Entity:
    """One component of a device payload; ``options`` are Home Assistant's own keys."""

    key: str
    platform: str
    name: str
    options: Mapping[str, Any]


def account_entities(
    topics: Topics, account: str, *, table: str | None = None, expire_after_s: int | None = None
) -> tuple[Entity, ...]:
    """The entities of an account, whose sign-in may be that of a whole ``table``.

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
        _enum(
            "availability",
            "Availability",
            Availability,
            icon="mdi:account-badge",
            json_attributes_topic=topics.account(account, "attributes"),
        ),
        _enum("activity", "Activity", Activity, icon="mdi:account-voice"),
        _binary("busy", "Busy", icon="mdi:minus-circle"),
        _binary("in_call", "In a call", icon="mdi:phone-in-talk"),
        _binary(
            "in_meeting", "In a meeting", icon="mdi:calendar-account", enabled_by_default=False
        ),
        _binary("out_of_office", "Out of office", icon="mdi:airplane"),
        _sensor("status_message", "Status message", icon="mdi:message-text"),
        _enum(
            "work_location",
            "Work location",
            WorkLocation,
            icon="mdi:office-building",
            value_template="{{ value_json.work_location | default(none) }}",  # new: may be missing
            json_attributes_topic=topics.account(account, "state"),
            json_attributes_template=_SOURCE,
        ),
        _sensor("last_changed", "Last changed", value="changed_at", device_class="timestamp"),
        _entity(
            "event",
            "presence_change",
            "Presence change",
            state_topic=topics.account(account, "event"),
            event_types=list(EVENT_TYPES),
            icon="mdi:account-switch",
        ),
    )


def _sign_in(topics: Topics, account: str, table: str | None) -> tuple[Entity, ...]:
    auth = topics.table(table, "auth") if table else topics.account(account, "auth")
    while_it_runs = [{"topic": topics.bridge_state}]
    sensor: dict[str, Any] = {
        "availability": while_it_runs,
        "state_topic": auth,
        "entity_category": "diagnostic",
    }
    button: dict[str, Any] = {
        "availability": while_it_runs,
        "payload_press": f'{{"account":"{table or account}"}}',
    }
    return (
        _enum(
            "signin_state",
            "Sign-in",
            SignInState,
            value="state",
            icon="mdi:account-key",
            json_attributes_topic=auth,
            **sensor,
        ),
        _sensor(
            "signin_code",
            "Sign-in code",
            value="user_code",
            icon="mdi:form-textbox-password",
            **sensor,
        ),
        _button("signin", "Sign in", topics, icon="mdi:login", **button),
        _button("signin_cancel", "Cancel sign-in", topics, icon="mdi:cancel", **button),
    )


def preference_entities(topics: Topics, account: str) -> tuple[Entity, ...]:
    """The entities of an account whose presence can be set."""
    named, preferred = f'{{"account":"{account}"', topics.account(account, "preferred")
    return (
        _entity(
            "select",
            "preferred_presence",
            "Preferred presence",
            value="presence",
            command_topic=topics.request("set_presence"),
            command_template=named + ',"presence":"{{ value }}"}',
            state_topic=preferred,
            json_attributes_topic=preferred,
            options=_words(PreferredPresence),
            icon="mdi:account-edit",
        ),
        _entity(
            "text",
            "set_status_message",
            "Set status message",
            command_topic=topics.request("set_status_message"),
            command_template=named + ',"message":{{ value | to_json }}}',
            value_template="{{ value_json.status_message or '' }}",
            max=STATUS_LIMIT,
            icon="mdi:message-draw",
        ),
        _entity(
            "select",
            "set_work_location",
            "Set work location",
            command_topic=topics.request("set_work_location"),
            command_template=named + ',"location":"{{ value }}"}',
            value_template=_SET_BY_HAND,
            options=_words(PreferredLocation),
            icon="mdi:office-building-marker",
        ),
        _entity(
            "button",
            "clear_presence",
            "Clear presence and message",
            command_topic=topics.request("clear_presence"),
            payload_press=named + "}",
            icon="mdi:account-off",
        ),
    )


def bridge_entities(topics: Topics) -> tuple[Entity, ...]:
    """The entities of the service itself."""
    health = {"state_topic": topics.bridge_health, "entity_category": "diagnostic"}
    info = {"state_topic": topics.bridge_info, "entity_category": "diagnostic"}
    last_command = topics.last_command
    return (
        _entity(
            "binary_sensor",
            "connection",
            "Connection",
            device_class="connectivity",
            state_topic=topics.bridge_state,
            payload_on=ONLINE,
            payload_off=OFFLINE,
            availability=[],
            entity_category="diagnostic",
        ),
        _binary(
            "poll_problem",
            "Poll problem",
            device_class="problem",
            value_template="{{ 'OFF' if value_json.healthy else 'ON' }}",
            json_attributes_topic=topics.bridge_health,
            expire_after=240,
            **health,
        ),
        _sensor("last_poll", "Last poll", value="last_poll_ok", **_HIDDEN_TIME, **health),
        _sensor("started", "Started", **_HIDDEN_TIME, **info),
        _sensor("version", "Version", enabled_by_default=True, **info),
        _sensor(
            "last_command",
            "Last command",
            state_topic=last_command,
            value_template="{{ value_json.command }}{{ ' refused' if value_json.error else '' }}",
            json_attributes_topic=last_command,
            entity_category="diagnostic",
            icon="mdi:message-alert",
        ),
        _button("poll", "Poll now", topics, payload_press="{}", icon="mdi:refresh"),
        _button("restart", "Restart", topics, payload_press="{}", device_class="restart"),
        _entity(
            "select",
            "log_level",
            "Log level",
            value="log_level",
            command_topic=topics.request("log_level"),
            command_template='{"level":"{{ value }}"}',
            state_topic=topics.bridge_info,
            options=list(LOG_LEVELS),
            entity_category="config",
            icon="mdi:text-box-search",
        ),
    )


_HIDDEN_TIME: dict[str, Any] = {"device_class": "timestamp", "enabled_by_default": False}


def _entity(
    platform: str, key: str, name: str, *, value: str | None = None, **options: Any
) -> Entity:
    """An entity that shows the key ``value`` of its JSON, where one is given."""
    template = {"value_template": f"{{{{ value_json.{value} }}}}"} if value else {}
    return Entity(key, platform, name, template | options)


def _sensor(key: str, name: str, *, value: str | None = None, **options: Any) -> Entity:
    return _entity("sensor", key, name, value=value or key, **options)


def _binary(key: str, name: str, **options: Any) -> Entity:
    return _entity("binary_sensor", key, name, value=key, **options)


def _enum(key: str, name: str, words: Iterable[StrEnum], **options: Any) -> Entity:
    return _sensor(key, name, device_class="enum", options=_words(words), **options)


def _button(key: str, name: str, topics: Topics, **options: Any) -> Entity:
    command_topic = topics.request(key)
    return _entity(
        "button", key, name, command_topic=command_topic, entity_category="config", **options
    )


def _words(words: Iterable[StrEnum]) -> list[str]:
    return [word.value for word in words]
