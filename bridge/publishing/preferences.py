"""What a person prefers to be shown as: its entities and its news. Never asks Microsoft."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from bridge.contract.account import Followed
from bridge.contract.preferred import Preferred, PreferredPresence
from bridge.contract.topics import Topics
from bridge.contract.wire import STATUS_LIMIT, Message, encode_json
from bridge.publishing.entities import Entity


class Preferences:
    """What was sent last about each account whose presence can be set; ``of`` tells it now."""

    def __init__(self, topics: Topics, of: Callable[[str], Preferred]) -> None:
        self._topics, self._of = topics, of
        self._sent: dict[str, Preferred] = {}

    def news(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """What is other than was sent last: set anew, or over."""
        for slug, account in accounts.items():
            if account.settable and self._sent.get(slug) != (preferred := self._of(slug)):
                self._sent[slug] = preferred
                yield Message(self._topic(slug), encode_json(asdict(preferred)))

    def forget(self, account: str) -> Iterator[Message]:
        """Clear what was sent about ``account``."""
        if self._sent.pop(account, None):
            yield Message(self._topic(account), b"")

    def everything(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """All of it, for a broker without memory."""
        self._sent.clear()
        return self.news(accounts)

    def _topic(self, account: str) -> str:
        return self._topics.account(account, "preferred")


def shrinks(before: Followed, after: Followed) -> bool:
    """Whether some entities of an account have to go and others stay."""
    return before.settable and not after.settable


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
