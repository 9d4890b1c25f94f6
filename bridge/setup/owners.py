"""Who must read and write what in the containers, and whether they can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.setup.place import Place

READ, WRITE, ENTER = 4, 2, 1
"""The bits of a mode."""
CONFIG, PAGE = "config.toml", "web"
"""The config, and the secret that is the password of the page."""
STATE = "state"
VOLUME_OF = {"bridge": "state", "lamps": "lamp", "broker": "broker"}
"""What the services remember, in the folder of states; and their volumes, as 0.1.0 had them."""
VOLUMES = Path("/volumes")
"""Where the service ``init`` of the compose file sees these."""
MARK = ".owner"
"""Docker gives an empty volume the owner of the image's folder each time that it is mounted."""

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


def needs_of(place: Place, users: Users, *, config_has_gaps: bool, volumes: Path) -> list[Need]:
    """All that there is of what the containers mount; the page fills in gaps of the config."""
    folder, shipped = place.folder, place.beside / "mosquitto"
    secrets, broker = folder / "secrets", folder / "mosquitto"
    named = [
        *(Need(file, users.bridge, mode=0o600) for file in _secrets_of_bridge(secrets)),
        Need(secrets / "mqtt_health", users.broker, mode=0o600),
        *(_keys_of(secrets, users.bridge) if place.is_clone else ()),
        Need(shipped, users.broker, READ | ENTER),
        Need(shipped / "mosquitto.conf", users.broker),
        Need(broker, users.broker, READ | ENTER),
        Need(broker / "passwords", users.broker, mode=0o600, gid=users.broker.gid),
        Need(broker / "acl", users.broker, mode=0o640),  # its person must be able to read it
        Need(folder / CONFIG, users.bridge, READ | WRITE if config_has_gaps else READ),
        *_memories(folder / STATE, volumes, users),
        *_mounts_of(place, users),
    ]
    first: dict[Path, Need] = {}  # without a clone some are the same
    for need in named:
        first.setdefault(need.path, need)
    return [need for path, need in first.items() if path.exists()]


def _keys_of(secrets: Path, bridge: User) -> Iterator[Need]:
    """What a person has put among the secrets, such as certificates, and the way there."""
    own = [path for path in secrets.glob("*") if path.name != PAGE and path.name[:5] != "mqtt_"]
    if own:
        yield Need(secrets, bridge, ENTER)
    for path in own:
        for within in (path, *path.rglob("*")):
            yield Need(within, bridge, READ | ENTER if within.is_dir() else READ)


def _memories(states: Path, volumes: Path, users: Users) -> Iterator[Need]:
    """Folders that a service writes, private to its user."""
    for name, volume in VOLUME_OF.items():
        user = users.broker if name == "broker" else users.bridge
        for path in (states / name, volumes / volume):
            yield Need(path, user, READ | WRITE | ENTER, mode=0o700, gid=user.gid)


def _mounts_of(place: Place, users: Users) -> Iterator[Need]:
    """What a person has added to our services in the text of the compose file, such as keys."""
    for service in _SERVICES.split(place.composed):
        is_broker = "image: eclipse-mosquitto" in service
        if service.startswith("init:") or not (is_broker or "image: presence-" in service):
            continue
        for found in _MOUNT.finditer(service):
            mounted = place.beside / found[1]
            if place.is_clone and place.folder in (mounted, *mounted.parents):
                continue  # no person's
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
