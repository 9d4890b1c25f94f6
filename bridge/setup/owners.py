"""Who must read and write what in the containers, and whether they can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READ, WRITE, ENTER = 4, 2, 1
"""The bits of a mode."""
CONFIG, PAGE = "config.toml", "web"
"""The config, and the secret that is the password of the page."""
VOLUMES = Path("/volumes")
"""Where the service ``init`` of the compose file sees what the other services keep."""


_SERVICES = re.compile(r"(?m)^  (?=[\w-]+:\s*(?:#.*)?$)")
_MOUNT = re.compile(r"""(?m)^\s+- ["']?\./([^:"']+):""")


@dataclass(frozen=True, slots=True)
class User:
    """Who runs in a container. All capabilities are dropped there: root is nobody special."""

    uid: int
    gid: int

    def can(self, bits: int, path: Path) -> bool:
        """Whether the mode of ``path`` lets this user do what ``bits`` say."""
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return (found.st_mode >> shift) & bits == bits


BRIDGE, BROKER = User(10001, 10001), User(1883, 1883)
"""Of the Dockerfile, and of the public eclipse-mosquitto image."""


@dataclass(frozen=True, slots=True)
class Users:
    """Of all containers."""

    bridge: User = BRIDGE
    """And of lamps."""
    broker: User = BROKER


@dataclass(frozen=True, slots=True)
class Need:
    """What a container mounts, and what its user must be able to do with it."""

    path: Path
    user: User
    bits: int = READ
    mode: int | None = None
    """It is made the user's own, with this mode; else it stays whose it is and is opened to the
    user's group."""
    gid: int | None = None
    """Its group when it is the user's own; else the person's."""

    @property
    def is_met(self) -> bool:
        """Whether the user can."""
        return self.user.can(self.bits, self.path)

    def __str__(self) -> str:
        found = self.path.stat()
        return (
            f"{self.path} belongs to user {found.st_uid} with mode {found.st_mode & 0o777:03o}, so "
            f"that user {self.user.uid} of the container cannot "
            f"{'write' if self.bits & WRITE else 'read'} it"
        )


def needs_of(folder: Path, users: Users, *, config_has_gaps: bool, volumes: Path) -> list[Need]:
    """All that there is of what the containers mount; the page fills in gaps of the config."""
    secrets, broker = folder / "secrets", folder / "mosquitto"
    whole = READ | WRITE | ENTER
    named = [
        *(Need(file, users.bridge, mode=0o600) for file in _secrets_of_bridge(secrets)),
        Need(secrets / "mqtt_health", users.broker, mode=0o600),
        Need(broker, users.broker, READ | ENTER),
        Need(broker / "mosquitto.conf", users.broker),
        Need(broker / "passwords", users.broker, mode=0o600, gid=users.broker.gid),
        Need(broker / "acl", users.broker, mode=0o640),  # git must be able to read it
        Need(folder / CONFIG, users.bridge, READ | WRITE if config_has_gaps else READ),
        Need(volumes / "broker", users.broker, whole, mode=0o700, gid=users.broker.gid),
        Need(volumes / "state", users.bridge, whole, mode=0o700, gid=users.bridge.gid),
        Need(volumes / "lamp", users.bridge, whole, mode=0o700, gid=users.bridge.gid),
    ]
    return [need for need in named if need.path.exists()]


def mounts_of(composed: str, folder: Path, users: Users) -> Iterator[Need]:
    """What a person has added to our services in the text of the compose file, such as keys."""
    for service in _SERVICES.split(composed):
        is_broker = "image: eclipse-mosquitto" in service
        if service.startswith("init:") or not (is_broker or "image: presence-" in service):
            continue
        for found in _MOUNT.finditer(service):
            mounted = folder / found[1]
            for path in (mounted, *mounted.rglob("*")) if mounted.exists() else ():
                bits = READ | ENTER if path.is_dir() else READ
                yield Need(path, users.broker if is_broker else users.bridge, bits)


def owner_of(needs: list[Need]) -> User | None:
    """The one user whose all of it is, unless that is root."""
    found = {(it.st_uid, it.st_gid) for it in (need.path.stat() for need in needs)}
    uid, gid = found.pop() if len(found) == 1 else (0, 0)
    return User(uid, gid) if uid else None


def _secrets_of_bridge(secrets: Path) -> list[Path]:
    """Its own, the page's, and those of lamps; not a draft that a kill left."""
    others = ("mqtt_health", "mqtt_homeassistant")
    lamps = (file for file in sorted(secrets.glob("mqtt_*")) if "." not in file.name)
    return [*(file for file in lamps if file.name not in others), secrets / PAGE]
