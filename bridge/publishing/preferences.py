"""Publishes what people prefer to be shown as, whoever set it from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from bridge.contract.account import Followed
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.preferred import Preferred
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json


class Preferences:
    """What was sent last about each account whose presence can be set; ``of`` gives it now."""

    def __init__(self, topics: Topics, of: Callable[[str], Preferred]) -> None:
        self._topics, self._of = topics, of
        self._sent: dict[str, Preferred] = {}

    def news(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """What differs from what was sent last: set anew, or over."""
        for slug, account in list(accounts.items()):
            if not account.settable:
                continue
            try:
                preferred = self._of(slug)
            except PresenceBridgeError:  # they just left
                continue
            if self._sent.get(slug) != preferred:
                self._sent[slug] = preferred
                topic = self._topics.account(slug, "preferred")
                yield Message(topic, encode_json(asdict(preferred)))

    def forget(self, account: str) -> None:
        """Let all of ``account`` be news."""
        self._sent.pop(account, None)

    def everything(self, slug: str, account: Followed) -> Iterator[Message]:
        """All of one account, also what was sent already."""
        self.forget(slug)
        return self.news({slug: account})
