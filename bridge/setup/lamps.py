"""Which lamps there are, and what each follows: by the config, or by ``--follow``."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, slug
from bridge.setup.config import InitOptions
from bridge.setup.devices import device_topics
from bridge.setup.rules import USERS, Lamp

_TOPICS = ("base", "discovery_prefix", "birth_topic")


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


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}
