"""The entities of an account whose presence can be set."""

from __future__ import annotations

from bridge.contract.preferred import PreferredLocation, PreferredPresence
from bridge.contract.topics import Topics
from bridge.contract.wire import STATUS_LIMIT
from bridge.publishing.discovery.component import Component, entity, words_of

_SET_BY_HAND = (
    "{% if value_json.work_location is none or value_json.work_location is undefined %}None"
    "{% elif value_json.work_location_source == 'manual' and value_json.work_location in "
    f"{[item.value for item in PreferredLocation]}"
    " %}{{ value_json.work_location }}{% else %}automatic{% endif %}"
)
"""Read from Microsoft, so that it is right whoever set it; unknown where a cloud has none."""


def preference_entities(topics: Topics, account: str) -> tuple[Component, ...]:
    """What can be set, with what is set now."""
    named, preferred = f'{{"account":"{account}"', topics.account(account, "preferred")
    return (
        entity(
            "select",
            "preferred_presence",
            "Preferred presence",
            value="presence",
            command_topic=topics.request("set_presence"),
            command_template=named + ',"presence":"{{ value }}"}',
            state_topic=preferred,
            json_attributes_topic=preferred,
            options=words_of(PreferredPresence),
            icon="mdi:account-edit",
        ),
        entity(
            "text",
            "set_status_message",
            "Set status message",
            command_topic=topics.request("set_status_message"),
            command_template=named + ',"message":{{ value | to_json }}}',
            value_template="{{ value_json.status_message or '' }}",
            max=STATUS_LIMIT,
            icon="mdi:message-draw",
        ),
        entity(
            "select",
            "set_work_location",
            "Set work location",
            command_topic=topics.request("set_work_location"),
            command_template=named + ',"location":"{{ value }}"}',
            value_template=_SET_BY_HAND,
            options=words_of(PreferredLocation),
            icon="mdi:office-building-marker",
        ),
        entity(
            "button",
            "clear_presence",
            "Clear presence and message",
            command_topic=topics.request("clear_presence"),
            payload_press=named + "}",
            icon="mdi:account-off",
        ),
    )
