"""Which devices are announced to Home Assistant now."""

from __future__ import annotations

from bridge.contract.wire import Message
from bridge.publishing.discovery.payloads import (
    Components,
    account_components,
    account_device,
    bridge_components,
    bridge_device,
)
from bridge.publishing.outgoing import Outgoing


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

    def components(self) -> dict[str, Components]:
        """The components of each device, by the topic on which it is announced."""
        if not self.enabled:
            return {}
        topics, followed = self._topics, self._outgoing.followed
        return {topics.bridge_config(): bridge_components(topics)} | {
            topics.account_config(slug): account_components(topics, settable=account.settable)
            for slug, account in followed.items()
            if account.discover
        }
