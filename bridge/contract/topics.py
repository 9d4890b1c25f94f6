"""Every MQTT topic, built in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.contract.errors import ContractError

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")

ONLINE = "online"
OFFLINE = "offline"
USUAL_BIRTH = "homeassistant/status"


def slug(text: str) -> str:
    """Return ``text`` when it can be in a topic, a client id and a unique id."""
    if not _SLUG.fullmatch(text):
        raise ContractError(f"{text!r} cannot be a topic level: use a-z, 0-9, _ and - only")
    return text


@dataclass(frozen=True)
class Topics:
    """The topics below one base topic and one discovery prefix."""

    base: str = "presence"
    discovery_prefix: str = "homeassistant"
    birth_topic: str = ""
    """The topic of Home Assistant's birth message, where the config names one."""

    @property
    def instance(self) -> str:
        """The base as one word: part of every unique id and device identifier."""
        return self.base.replace("/", "_")

    @property
    def bridge_state(self) -> str:
        """``online`` or ``offline``; the bridge's last will."""
        return f"{self.base}/bridge/state"

    @property
    def bridge_info(self) -> str:
        """JSON: version, accounts, settings that may be public."""
        return f"{self.base}/bridge/info"

    @property
    def bridge_health(self) -> str:
        """JSON: ``Health``."""
        return f"{self.base}/bridge/health"

    @property
    def bridge_leader(self) -> str:
        """JSON: which node of ``[standby]`` serves: node, epoch, since."""
        return f"{self.base}/bridge/leader"

    def request(self, command: str) -> str:
        """Where a command for the bridge arrives; ``+`` for all of them."""
        return f"{self.base}/bridge/request/{command if command == '+' else slug(command)}"

    def response(self, command: str) -> str:
        """Where the answer to a command goes."""
        return f"{self.base}/bridge/response/{slug(command)}"

    def account(self, account: str, leaf: str) -> str:
        """``account`` or ``+``; leaves as in section 7 of the design, and ``preferred``."""
        level = account if account == "+" else slug(account)
        return f"{self.base}/account/{level}/{leaf}"

    def table(self, table: str, leaf: str) -> str:
        """People who are read together: ``table`` or ``+``; leaves are auth and fresh."""
        level = table if table == "+" else slug(table)
        return f"{self.base}/table/{level}/{leaf}"

    @property
    def last_command(self) -> str:
        """JSON: the last request that changed something, with its error and remedy."""
        return f"{self.base}/bridge/last_command"

    def driver_state(self, driver: str) -> str:
        """``online`` or ``offline``; the driver's last will."""
        return f"{self.base}/driver/{slug(driver)}/state"

    def light(self, driver: str, leaf: str) -> str:
        """``leaf`` is availability, state or set."""
        return f"{self.base}/driver/{slug(driver)}/light/{leaf}"

    @property
    def births(self) -> tuple[str, ...]:
        """The topics of Home Assistant's birth message: as chosen, else its two defaults.

        Its birth topic is a setting apart from its discovery prefix, and stays at
        ``homeassistant/status`` when only that is changed (documentation, "MQTT", "Birth and last
        will messages").
        """
        if self.birth_topic:
            return (self.birth_topic,)
        return tuple(dict.fromkeys((f"{self.discovery_prefix}/status", USUAL_BIRTH)))

    def device_config(self, device: str) -> str:
        """Discovery of one device; ``+`` for all, also those of others."""
        return f"{self.discovery_prefix}/device/{device}/config"

    def bridge_config(self) -> str:
        """Discovery of the bridge device."""
        return self.device_config(f"{self.instance}_bridge")

    def account_config(self, account: str) -> str:
        """Discovery of an account device."""
        return self.device_config(f"{self.instance}_account_{slug(account)}")

    def light_config(self, driver: str) -> str:
        """Discovery of a light device, below the driver's own name so that access rules fit."""
        return f"{self.discovery_prefix}/device/{slug(driver)}/light/config"


def owner_of(topic: str) -> str:
    """The account, or table, that a topic of ``Topics.account`` or ``Topics.table`` is of."""
    return topic.split("/")[-2]
