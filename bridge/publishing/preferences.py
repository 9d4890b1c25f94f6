"""What a person prefers to be shown as: its entities and its news. Never asks Microsoft."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from bridge.contract.account import Followed
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.contract.topics import Topics
from bridge.contract.wire import STATUS_LIMIT, Message, encode_json
from bridge.publishing.discovery.entities import Entity

_SET_BY_HAND = (
    "{% if value_json.work_location is none or value_json.work_location is undefined %}None"
    "{% elif value_json.work_location_source == 'manual' and value_json.work_location in "
    f"{[item.value for item in PreferredLocation]}"
    " %}{{ value_json.work_location }}{% else %}automatic{% endif %}"
)
"""Read from Microsoft, so that it is right whoever set it; unknown where a cloud tells nothing."""


class Preferences:
    """What was sent last about each account whose presence can be set; ``of`` tells it now."""

    def __init__(self, topics: Topics, of: Callable[[str], Preferred]) -> None:
        self._topics, self._of = topics, of
        self._sent: dict[str, Preferred] = {}

    def news(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """What is other than was sent last: set anew, or over."""
        for slug, account in list(accounts.items()):
            preferred = self._preferred(slug) if account.settable else None
            if preferred is not None and self._sent.get(slug) != preferred:
                self._sent[slug] = preferred
                topic = self._topics.account(slug, "preferred")
                yield Message(topic, encode_json(asdict(preferred)))

    def forget(self, account: str) -> None:
        """Send all of ``account`` again if it comes back."""
        self._sent.pop(account, None)

    def again(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """All of it, also what was sent already."""
        for slug in accounts:
            self.forget(slug)
        return self.news(accounts)

    def _preferred(self, account: str) -> Preferred | None:
        """What is preferred now; ``None`` of somebody who just left."""
        try:
            return self._of(account)
        except (KeyError, PresenceBridgeError):
            return None


def preference_entities(topics: Topics, account: str) -> tuple[Entity, ...]:
    """What a person can set, where the config allows it."""
    named = f'{{"account":"{account}"'
    return (
        Entity(
            "preferred_presence",
            "select",
            "Preferred presence",
            {
                "command_topic": topics.request("set_presence"),
                "command_template": named + ',"presence":"{{ value }}"}',
                "state_topic": topics.account(account, "preferred"),
                "value_template": "{{ value_json.presence }}",
                "json_attributes_topic": topics.account(account, "preferred"),
                "options": [item.value for item in PreferredPresence],
                "icon": "mdi:account-edit",
            },
        ),
        Entity(
            "set_status_message",
            "text",
            "Set status message",
            {
                "command_topic": topics.request("set_status_message"),
                "command_template": named + ',"message":{{ value | to_json }}}',
                "value_template": "{{ value_json.status_message or '' }}",
                "max": STATUS_LIMIT,
                "icon": "mdi:message-draw",
            },
        ),
        Entity(
            "set_work_location",
            "select",
            "Set work location",
            {
                "command_topic": topics.request("set_work_location"),
                "command_template": named + ',"location":"{{ value }}"}',
                "value_template": _SET_BY_HAND,
                "options": [item.value for item in PreferredLocation],
                "icon": "mdi:office-building-marker",
            },
        ),
        Entity(
            "clear_presence",
            "button",
            "Clear presence and message",
            {
                "command_topic": topics.request("clear_presence"),
                "payload_press": named + "}",
                "icon": "mdi:account-off",
            },
        ),
    )
