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
    """Discovery messages; none where Home Assistant is not wanted.

    ``page`` is where others open the bridge's own page, where that is certain.
    """

    def __init__(
        self, outgoing: Outgoing, version: str, *, enabled: bool, page: str | None = None
    ) -> None:
        self._outgoing, self._topics, self._page = outgoing, outgoing.topics, page
        self._version, self.enabled = version, enabled

    def on(self, topic: str) -> Message | None:
        """The device that is announced on ``topic``, if there is one."""
        if not self.enabled:
            return None
        if topic == self._topics.bridge_config():
            return bridge_device(self._topics, self._version, page=self._page)
        before, after = self._topics.account_config("x").rsplit("x", 1)
        slug = topic.removeprefix(before).removesuffix(after)
        account = self._outgoing.followed.get(slug)
        if account is None or not account.discover:
            return None
        expires = self._outgoing.broker.mqtt_version == "3.1.1"  # which forgets nothing
        return account_device(
            self._topics, slug, account, self._version, page=self._page, expires=expires
        )

    def components(self) -> dict[str, Components]:
        """The components of each device, by the topic on which it is announced."""
        if not self.enabled:
            return {}
        topics, followed = self._topics, self._outgoing.followed
        return {topics.bridge_config(): bridge_components(topics)} | {
            topics.account_config(slug): account_components(topics, account)
            for slug, account in followed.items()
            if account.discover
        }
