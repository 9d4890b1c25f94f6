"""Which lamps there are, what each follows, and which topics it shares with a device on MQTT.

The bridge never imports a driver, so the topics of ``docs/lights/mqtt.md`` stand here a second
time; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, slug
from bridge.setup.config import InitOptions

USERS = ("bridge", "homeassistant", "health")
"""Who is no lamp."""
_TOPICS = ("base", "discovery_prefix", "birth_topic")
_GAP = re.compile(r"[^/]*\{[^/]*")
_ONE_LINE = re.compile(r"[^\x00-\x1f]+")
_TASMOTA_PREFIX = "%prefix%"


@dataclass(frozen=True, slots=True)
class DeviceTopics:
    """What the lamp sends to its device, and where it listens."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp's user at the broker."""

    name: str
    follow: tuple[str, ...]
    """Accounts; all of them when empty, as in the config."""
    device: DeviceTopics


def check(options: InitOptions) -> None:
    """Refuse a lamp that cannot have that name, or follow that. Raises ``ContractError``."""
    if options.driver is None:
        if options.follow is not None:
            raise ContractError("--follow needs --driver NAME: which lamp is meant?")
        return
    if slug(options.driver) in USERS:
        raise ContractError(
            f"a lamp cannot be called {options.driver}: that is the name of another user of the "
            "broker; call it otherwise in [drivers.NAME]"
        )
    _ = options.followed  # refuses names that cannot be used


def topics_of(config: Mapping[str, Any]) -> Topics:
    """As the tables of the config name them, which may have mistakes elsewhere."""
    said = _table(config, "mqtt") | _table(config, "homeassistant")
    said["base"] = said.get("base_topic", Topics.base)
    return Topics(**{key: str(said[key]) for key in _TOPICS if key in said})


def followed(config: Mapping[str, Any], options: InitOptions, name: str) -> tuple[str, ...] | None:
    """What the lamp ``name`` follows; ``None`` when nobody says.

    Raises ``ContractError`` where that cannot be followed, or is said twice.
    """
    said = options.followed if name == options.driver else None
    drivers = _table(config, "drivers")
    if name not in drivers:
        return said
    follow = _table(drivers, name).get("follow", [])
    if not isinstance(follow, list):
        raise ContractError(f"drivers.{name}.follow: must be a list of accounts")
    accounts = tuple(slug(str(account)) for account in follow)
    if said is not None and set(said) != set(accounts):
        raise ContractError(
            f"drivers.{name}.follow in the config says what {name} follows: leave --follow out, "
            "or change it there"
        )
    return accounts


def lamps(
    config: Mapping[str, Any], options: InitOptions, users: set[str], having_rules: Container[str]
) -> Iterator[Lamp]:
    """The lamps among ``users`` of which it is known what they follow, as far as that is news."""
    for name in sorted(users.difference(USERS)):
        follow = followed(config, options, name)
        if follow is None and name == options.driver and name not in having_rules:
            follow = tuple(_table(config, "accounts"))[:1] or None
        if follow is not None:
            table = _table(_table(config, "drivers"), name)
            yield Lamp(slug(name), follow, device_topics(table))


def device_topics(table: Mapping[str, Any]) -> DeviceTopics:
    """The topics of the device in ``[drivers.NAME]``; none for another kind, or a wrong table."""
    topic, device = table.get("topic"), table.get("device")
    if table.get("kind") != "mqtt" or not (isinstance(topic, str) and _ONE_LINE.fullmatch(topic)):
        return DeviceTopics()
    if device in {"zigbee2mqtt", "tasmota", "esphome", "wled"}:
        topic = topic.rstrip("/") or topic
    own_state, own_availability = table.get("state_topic"), table.get("availability_topic")
    match device:
        case "zigbee2mqtt":
            parts = topic.split("/")
            folders = ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
            write = [f"{topic}/set", f"{topic}/get"]
            read = [topic, own_availability or f"{topic}/availability"]
            read += [f"{folder}/bridge/state" for folder in folders]
        case "esphome":
            node = topic.rpartition("/light/")[0] or topic
            write = [f"{topic}/command"]
            read = [own_state or f"{topic}/state", own_availability or f"{node}/status"]
        case "tasmota":
            full = topic if _TASMOTA_PREFIX in topic else f"{_TASMOTA_PREFIX}/{topic}"
            command, answers, telemetry = (
                full.replace(_TASMOTA_PREFIX, word) + "/#" for word in ("cmnd", "stat", "tele")
            )
            write, read = [command], [answers, telemetry, own_availability]
        case "wled":
            write, read = [f"{topic}/api"], [f"{topic}/v", own_availability or f"{topic}/status"]
        case _:
            write, read = [_GAP.sub("+", topic)], [own_state, own_availability]
    heard = (str(topic) for topic in read if topic)
    return DeviceTopics(tuple(write), tuple(topic for topic in heard if _ONE_LINE.fullmatch(topic)))


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}
