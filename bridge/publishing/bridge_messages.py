"""The messages of the service itself: info and health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from bridge.config.tables.config import Config
from bridge.contract.health import Health
from bridge.contract.wire import Message, encode_json
from bridge.publishing.outgoing import Outgoing

HEALTH_EVERY_S = 60.0
HEALTH_EXPIRY_S = 180


class BridgeMessages:
    """Makes them from what is true now."""

    def __init__(
        self, outgoing: Outgoing, config: Config, version: str, *, log_level: Callable[[], str]
    ) -> None:
        self._outgoing, self._topics, self._config = outgoing, outgoing.topics, config
        self._version, self._log_level = version, log_level
        self._started = outgoing.clock.now()
        self._health: Health | None = None
        self._sent_s = float("-inf")

    def info(self) -> Message:
        """What may be public of the service and its settings."""
        followed = self._outgoing.followed
        payload = {
            "version": self._version,
            "started": self._started,
            "instance": self._topics.instance,
            "log_level": self._log_level(),
            "accounts": {slug: person.name for slug, person in followed.items() if person.discover},
            "people": len(followed),
            "mqtt": self._outgoing.broker.mqtt_version,
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

    def update_health(self, health: Health) -> None:
        """Publish ``health`` when people see a difference, else at its own slow beat."""
        before, self._health = self._health, health
        turned = before is None or _seen(before) != _seen(health)
        now_s, message = self._outgoing.clock.monotonic(), self.health()
        if message and (turned or now_s - self._sent_s >= HEALTH_EVERY_S):
            self._sent_s = now_s
            self._outgoing.send(message, beat=not turned)


def _seen(health: Health) -> tuple[object, ...]:
    """What people see of it, or wait for."""
    return health.healthy, health.reason, health.sign_in_needed, health.last_poll_ok is None
