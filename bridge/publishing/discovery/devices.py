"""The devices that Home Assistant hears of now. Never publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.discovery.payloads import (
    account_components,
    account_device,
    bridge_components,
    bridge_device,
)
from bridge.publishing.removal.ledger import Stored


class Devices:
    """Discovery messages; none where Home Assistant is not wanted."""

    def __init__(
        self,
        topics: Topics,
        version: str,
        *,
        enabled: bool,
        accounts: Callable[[], Mapping[str, Followed]],
        broker_forgets: Callable[[], bool],
    ) -> None:
        self._topics, self._version, self._enabled = topics, version, enabled
        self._accounts, self._broker_forgets = accounts, broker_forgets

    def bridge(self) -> Message | None:
        """The device of the service itself."""
        return bridge_device(self._topics, self._version) if self._enabled else None

    def of(self, slug: str) -> Message | None:
        """The device of an account, if it is to be announced."""
        account = self._accounts().get(slug)
        if account is None or not account.discover or not self._enabled:
            return None
        return account_device(
            self._topics, slug, account, self._version, expires=not self._broker_forgets()
        )

    def on(self, topic: str) -> Message | None:
        """The device that is announced on ``topic``."""
        if topic == self._topics.bridge_config():
            return self.bridge()
        before, after = self._topics.account_config("x").rsplit("x", 1)
        return self.of(topic.removeprefix(before).removesuffix(after))

    def stored(self) -> Stored:
        """What of all that is published should be stored on the broker."""
        topics, accounts, devices = self._topics, self._accounts(), {}
        if self._enabled:
            devices = {topics.bridge_config(): bridge_components(topics)} | {
                topics.account_config(s): account_components(topics, settable=a.settable)
                for s, a in accounts.items()
                if a.discover
            }
        return Stored(
            devices,
            dict.fromkeys(accounts),
            dict.fromkeys(s for s, a in accounts.items() if a.settable),
            dict.fromkeys(a.table for a in accounts.values() if a.table),
        )
