"""What the service says of itself: info and health. Never judges how it fares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from bridge.config.models import Config
from bridge.contract.account import Followed
from bridge.contract.health import Health
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json

HEALTH_EVERY_S = 60.0
HEALTH_EXPIRY_S = 180


class Reports:
    """Makes the messages of the bridge itself; ``health`` is the newest."""

    def __init__(self, config: Config, topics: Topics, version: str, started: datetime) -> None:
        self._config, self._topics = config, topics
        self._version, self._started = version, started
        self._health: Health | None = None
        self._sent_s = float("-inf")

    def info(
        self, followed: Mapping[str, Followed], *, log_level: str, mqtt_version: str | None
    ) -> Message:
        """What may be public of the service and its settings."""
        accounts = {slug: account.name for slug, account in followed.items() if account.discover}
        payload = {
            "version": self._version,
            "started": self._started,
            "instance": self._topics.instance,
            "log_level": log_level,
            "accounts": accounts,
            "people": len(followed),
            "mqtt": mqtt_version,
            "discovery_prefix": self._topics.discovery_prefix,
            "polling": self._config.polling.model_dump(),
        }
        return Message(self._topics.bridge_info, encode_json(payload))

    def health(self) -> Message | None:
        """The newest health."""
        if self._health is None:
            return None
        payload = encode_json(asdict(self._health))
        return Message(self._topics.bridge_health, payload, expiry_s=HEALTH_EXPIRY_S)

    def take(self, health: Health, now_s: float) -> tuple[bool, bool]:
        """Take ``health``; whether to send it now, and whether only for its beat.

        It is sent when it turned or has its first poll, else at its own slow beat.
        """
        before, self._health = self._health, health
        turned = (
            before is None
            or before.healthy != health.healthy
            or (before.last_poll_ok is None) != (health.last_poll_ok is None)
        )
        due = turned or now_s - self._sent_s >= HEALTH_EVERY_S
        if due:
            self._sent_s = now_s
        return due, not turned
