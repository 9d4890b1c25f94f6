"""The entities and triggers of an account's presence."""

from __future__ import annotations

import json
from typing import Any

from bridge.contract.presence import Activity, Availability, WorkLocation
from bridge.contract.status import Status
from bridge.contract.topics import Topics
from bridge.publishing.discovery.component import (
    Component,
    attributes,
    binary,
    entity,
    enum,
    sensor,
    trigger,
)

EVENT_TYPES = ("changed", "call_started", "call_ended", "online", "offline")
_STATUS = (
    "{{ value_json.text }}"
    "{% if value_json.since %}{% set since = as_local(as_datetime(value_json.since)) %}"
    " since {{ since.strftime('%H:%M' if since.date() == now().date() else '%d %b, %H:%M') }}"
    "{% endif %}"
)
"""In the time zone of Home Assistant, which the bridge does not know."""
_STOPPED = f"{{{{ 'online' if value_json.status == {json.dumps(Status.STOPPED)} else 'offline' }}}}"


def presence_entities(topics: Topics, account: str, *, says: bool) -> tuple[Component, ...]:
    """What is read of a person; without what they wrote unless the account ``says`` it."""
    raw = topics.account(account, "attributes")
    written = ("status_message", "out_of_office_message") if says else ()
    return (
        _status(topics, account),
        enum(
            "availability",
            "Availability",
            Availability,
            icon="mdi:account-badge",
            json_attributes_topic=raw,
            json_attributes_template=attributes(
                "raw_availability",
                "raw_activity",
                *written,
                "work_location",
                "place_id",
            ),
        ),
        enum("activity", "Activity", Activity, icon="mdi:account-voice"),
        binary("busy", "Busy", icon="mdi:minus-circle"),
        binary("in_call", "In a call", icon="mdi:phone-in-talk"),
        binary("in_meeting", "In a meeting", icon="mdi:calendar-account", enabled_by_default=False),
        binary("out_of_office", "Out of office", icon="mdi:airplane"),
        *((_status_message(raw),) if says else ()),
        enum(
            "work_location",
            "Work location",
            WorkLocation,
            icon="mdi:office-building",
            value_template="{{ value_json.work_location | default(none) }}",  # new: may be missing
            json_attributes_topic=topics.account(account, "state"),
            json_attributes_template=attributes(source="work_location_source"),
        ),
        sensor("last_changed", "Last changed", value="changed_at", device_class="timestamp"),
        entity(
            "event",
            "presence_change",
            "Presence change",
            state_topic=topics.account(account, "event"),
            event_types=list(EVENT_TYPES),
            icon="mdi:account-switch",
        ),
    )


def today_entities(topics: Topics, account: str) -> tuple[Component, ...]:
    """How long a person was in calls and meetings today, for statistics."""
    today = topics.account(account, "today")
    counted: dict[str, Any] = {
        "availability": [{"topic": topics.bridge_state}],  # also of who is signed out since
        "state_topic": today,
        "device_class": "duration",
        "state_class": "total_increasing",
        "unit_of_measurement": "min",
        "json_attributes_topic": today,
    }
    told = (
        "{{ {'date': value_json.date, 'since': value_json.since,"
        " 'unseen_minutes': value_json.unseen_s // 60} | to_json }}"
    )
    return tuple(
        sensor(
            f"{what}_today",
            f"{what.capitalize()} today",
            value_template=f"{{{{ value_json.{what}_s // 60 }}}}",
            json_attributes_template=told,
            icon=icon,
            **counted,
        )
        for what, icon in (("calls", "mdi:phone-clock"), ("meetings", "mdi:calendar-clock"))
    )


def presence_triggers(topics: Topics, account: str) -> tuple[Component, ...]:
    """What automations can begin with, without an entity."""
    topic = topics.account(account, "event")
    changed = "{{ 'changed' if value_json['from'] != value_json['to'] else '' }}"
    return (
        trigger(topic, "call_started", kind="presence", subtype="call started"),
        trigger(topic, "call_ended", kind="presence", subtype="call ended"),
        trigger(topic, "changed", kind="presence", subtype="changed", template=changed),
    )


def _status(topics: Topics, account: str) -> Component:
    """There while the bridge runs, and after an orderly end, which it says itself.

    A bridge that was killed says nothing any more: then it is unavailable.
    """
    status = topics.account(account, "status")
    return sensor(
        "status",
        "Status",
        availability=[
            {"topic": topics.bridge_state},
            {"topic": status, "value_template": _STOPPED},
        ],
        availability_mode="any",
        state_topic=status,
        value_template=_STATUS,
        json_attributes_topic=status,
        json_attributes_template=attributes("status", "since"),
        icon="mdi:account-clock",
    )


def _status_message(raw: str) -> Component:
    return sensor(
        "status_message",
        "Status message",
        icon="mdi:message-text",
        value_template="{{ value_json.status_message or '' }}",
        json_attributes_topic=raw,
        json_attributes_template=attributes(until="status_message_until"),
    )
