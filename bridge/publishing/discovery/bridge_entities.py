"""The entities of the service itself."""

from __future__ import annotations

from typing import Any

from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import STATUS_LIMIT
from bridge.publishing.discovery.component import (
    CONFIG,
    DIAGNOSTIC,
    Component,
    attributes,
    binary,
    button,
    entity,
    sensor,
)

LOG_LEVELS = ("debug", "info", "warning", "error")
_HIDDEN_TIME: dict[str, Any] = {"device_class": "timestamp", "enabled_by_default": False}
_LAST_COMMAND = (
    "{% set refused = [value_json.error, value_json.remedy] | select | join(' ') %}"
    "{{ (value_json.command ~ (' refused: ' ~ refused if value_json.error else ''))"
    f"[:{STATUS_LIMIT}] }}}}"
)
"""With why and what to do: nobody opens attributes while something does not work."""


def bridge_entities(topics: Topics) -> tuple[Component, ...]:
    """How it is, and what it can be asked for."""
    info = {"state_topic": topics.bridge_info, "entity_category": DIAGNOSTIC}
    last_command = topics.last_command
    return (
        entity(
            "binary_sensor",
            "connection",
            "Connection",
            device_class="connectivity",
            state_topic=topics.bridge_state,
            payload_on=ONLINE,
            payload_off=OFFLINE,
            availability=[],
            entity_category=DIAGNOSTIC,
        ),
        *_problem(topics),
        sensor("started", "Started", **_HIDDEN_TIME, **info),
        sensor("version", "Version", enabled_by_default=True, **info),
        sensor(
            "last_command",
            "Last command",
            state_topic=last_command,
            value_template=_LAST_COMMAND,
            json_attributes_topic=last_command,
            entity_category=DIAGNOSTIC,
            icon="mdi:message-alert",
        ),
        button("poll", "Poll now", topics, payload_press="{}", icon="mdi:refresh"),
        button("restart", "Restart", topics, payload_press="{}", device_class="restart"),
        entity(
            "select",
            "log_level",
            "Log level",
            value="log_level",
            command_topic=topics.request("log_level"),
            command_template='{"level":"{{ value }}"}',
            state_topic=topics.bridge_info,
            options=list(LOG_LEVELS),
            entity_category=CONFIG,
            icon="mdi:text-box-search",
        ),
    )


def _problem(topics: Topics) -> tuple[Component, ...]:
    health = {"state_topic": topics.bridge_health, "entity_category": DIAGNOSTIC}
    return (
        binary(
            "poll_problem",  # as in the last release: the unique id stays
            "Problem",
            default_entity_id="binary_sensor.presence_bridge_problem",
            device_class="problem",
            value_template="{{ 'OFF' if value_json.healthy else 'ON' }}",
            json_attributes_topic=topics.bridge_health,
            json_attributes_template=attributes(
                "reason", "sign_in_needed", "throttled_until", "internal_errors"
            ),
            expire_after=240,
            **health,
        ),
        sensor(
            "problem_reason",
            "Problem reason",
            value_template=f"{{{{ (value_json.reason or 'All is well')[:{STATUS_LIMIT}] }}}}",
            icon="mdi:alert-circle-outline",
            expire_after=240,
            **health,
        ),
        sensor("last_poll", "Last poll", value="last_poll_ok", **_HIDDEN_TIME, **health),
    )
