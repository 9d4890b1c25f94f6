"""Which devices Home Assistant has now, and which of our topics are retained on the broker."""

from __future__ import annotations

from bridge.contract.wire import Message
from bridge.publishing.discovery.payloads import (
    account_components,
    account_device,
    bridge_components,
    bridge_device,
)
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.removal.retained_file import Retained


class Devices:
    """Discovery messages; none where Home Assistant is not wanted."""

    def __init__(self, outgoing: Outgoing, version: str, *, enabled: bool) -> None:
        self._outgoing, self._topics = outgoing, outgoing.topics
        self._version, self.enabled = version, enabled

    def on(self, topic: str) -> Message | None:
        """The device that is announced on ``topic``, if there is one."""
        if not self.enabled:
            return None
        if topic == self._topics.bridge_config():
            return bridge_device(self._topics, self._version)
        before, after = self._topics.account_config("x").rsplit("x", 1)
        slug = topic.removeprefix(before).removesuffix(after)
        account = self._outgoing.followed.get(slug)
        if account is None or not account.discover:
            return None
        expires = self._outgoing.broker.mqtt_version == "3.1.1"  # which forgets nothing
        return account_device(self._topics, slug, account, self._version, expires=expires)

    def retained(self) -> Retained:
        """What of all that is published should be retained on the broker."""
        topics, accounts, devices = self._topics, self._outgoing.followed, {}
        if self.enabled:
            devices = {topics.bridge_config(): bridge_components(topics)} | {
                topics.account_config(s): account_components(topics, settable=a.settable)
                for s, a in accounts.items()
                if a.discover
            }
        return Retained(
            devices,
            dict.fromkeys(accounts),
            dict.fromkeys(s for s, a in accounts.items() if a.settable),
            dict.fromkeys(a.table for a in accounts.values() if a.table),
        )
