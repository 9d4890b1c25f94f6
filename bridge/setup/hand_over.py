"""Gives what ``init`` wrote to the users of the containers, and looks whether they can use it.

Where owners cannot be changed (NAS shares, rootless engines) the containers run as the owner, by
``.env``; where that is root, modes do the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.text_file import read_text
from bridge.config.time_zone import LOCALTIME, machine_zone
from bridge.contract.errors import ConfigError
from bridge.setup import dot_env
from bridge.setup.moving import MOVED
from bridge.setup.owners import (
    BRIDGE,
    BROKER,
    CONFIG,
    ENTER,
    MARK,
    STATE,
    VOLUME_OF,
    VOLUMES,
    WRITE,
    Need,
    User,
    Users,
    needs_of,
    owner_of,
)
from bridge.setup.place import Place

Chown = Callable[[Path, int, int], None]


@dataclass(frozen=True, slots=True)
class Host:
    """Where ``init`` runs."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    chown: Chown = os.chown
    localtime: Path = LOCALTIME
    volumes: Path = VOLUMES


def hand_over(place: Place, host: Host) -> Iterator[str]:
    """Give each file to the one user that reads it in its container; lines for the person.

    Raises:
        ConfigError: A container could not use what it mounts; each with its remedy.
        ContractError: ``.env`` names no user.
    """
    composed = place.composed
    if place.is_clone:
        states = place.folder / STATE
        for folder in (states, *(states / name for name in VOLUME_OF)):  # else Docker: as root's
            folder.mkdir(mode=0o700, exist_ok=True)
    _give_person(place, host.chown)
    chosen = dot_env.users_of(dot_env.read(place.beside / ".env", host.environ))
    needs = _needs(place, chosen or Users(), host)
    is_root = os.geteuid() == 0
    is_refused = not is_root or not _give(needs, place, host.chown)
    if not composed and (not is_root or not is_refused):
        return  # no container is to come, or all was given
    if not is_root and not host.volumes.is_dir() and _unmet(needs):
        yield "For docker compose: docker compose run --rm init   (its users cannot read this yet)"
        return
    lacking = [need for need in _unmet(needs) if host.volumes not in need.path.parents]
    if is_refused and not chosen and dot_env.UID in composed and (it := owner_of(lacking)):
        needs = _needs(place, Users(it, it), host)
        _give(needs, place, host.chown)  # what was given to others comes back
        yield from _choose(place, it, host)
    if is_refused:
        yield from _opened(_unmet(needs), place)
    yield from _zone(place, host)
    if unmet := _unmet(needs):
        remedies = [_remedy(need, place, host, is_refused=is_refused) for need in unmet]
        raise ConfigError([f"{need}; {it}" for need, it in zip(unmet, remedies, strict=True)])


def give_volumes(place: Place, host: Host) -> User | None:
    """Give the volumes to the owner of the clone, into which root may not write; who that is."""
    found = place.beside.stat()
    if os.geteuid() != 0 or found.st_uid == 0:
        return None
    owner = User(found.st_uid, found.st_gid)
    nowhere = Place(Path(os.devnull), Path(os.devnull))
    _give(_needs(nowhere, Users(owner, owner), host), place, host.chown)
    return owner


def _needs(place: Place, users: Users, host: Host) -> list[Need]:
    config = place.folder / CONFIG
    gaps = config.is_file() and str(PLACEHOLDER_CLIENT_ID) in read_text(config)
    return needs_of(place, users, config_has_gaps=gaps, volumes=host.volumes)


def _unmet(needs: list[Need]) -> list[Need]:
    return [need for need in needs if not need.is_met]


def _give(needs: list[Need], place: Place, chown: Chown) -> bool:
    """Whether nothing was refused.

    What a person gave to another user, as that of a systemd unit, stays with that one.
    """
    person = place.beside.stat()
    ours = {0, person.st_uid, BRIDGE.uid, BROKER.uid}
    is_refused = False
    for need in needs:
        if need.path.is_dir() or need.path.stat().st_uid in ours:
            with suppress(OSError):
                _give_one(need, person, chown)
            is_refused |= not need.is_met
    return not is_refused


def _give_one(need: Need, person: os.stat_result, chown: Chown) -> None:
    path, user, found = need.path, need.user, need.path.stat()
    if need.mode is None:
        if not need.is_met:
            mode = found.st_mode & 0o777 | need.bits << 3
            _change(path, found.st_uid, user.gid, mode=mode, chown=chown)
    elif found.st_uid != user.uid or not need.is_met:
        if path.is_dir():
            _fill(need, chown)
        gid = person.st_gid if need.gid is None else need.gid
        _change(path, user.uid, gid, mode=need.mode, chown=chown)


def _fill(volume: Need, chown: Chown) -> None:
    """Give what is in a volume; an empty one gets something, or its owner would not last."""
    within = list(volume.path.rglob("*"))
    if not within and volume.path.parent.name != STATE and volume.user not in (BRIDGE, BROKER):
        (volume.path / MARK).touch()
        within = [volume.path / MARK]
    for path in within:
        chown(path, volume.user.uid, volume.user.gid)


def _change(path: Path, uid: int, gid: int, *, mode: int, chown: Chown) -> None:
    """Make ``path`` ours first: root without CAP_FOWNER cannot set the mode of another's file."""
    before = path.stat()
    chown(path, os.geteuid(), gid)
    try:
        path.chmod(mode)
        chown(path, uid, gid)
    except OSError:
        with suppress(OSError):
            chown(path, before.st_uid, before.st_gid)
        raise


def _zone(place: Place, host: Host) -> Iterator[str]:
    """Keep the time zone for the containers, which do not see the machine's."""
    file = place.beside / ".env"
    if dot_env.ZONE not in place.composed or dot_env.ZONE in dot_env.read(file, {}):
        return
    if zone := machine_zone(host.environ, host.localtime):
        dot_env.write(file, {dot_env.ZONE: zone})
        _give_person(place, host.chown)
        yield f"changed  {file}: {dot_env.ZONE}={zone}"
    else:
        yield "Where hours or schedules are used: TZ=Europe/Berlin, or what it is, into .env"


def _give_person(place: Place, chown: Chown) -> None:
    """What no container reads is the person's, also where root wrote it."""
    person, folder, beside = place.beside.stat(), place.folder, place.beside
    if os.geteuid() != 0 or person.st_uid == 0:
        return
    paths = [folder / "secrets", folder / "secrets" / "mqtt_homeassistant", beside / ".env"]
    if place.is_clone:
        paths += [folder, folder / CONFIG, folder / "mosquitto", folder / STATE, beside / CONFIG]
        paths += [beside / "mosquitto" / "acl", folder / STATE / MOVED]
    for path in paths:
        if path.exists() and path.stat().st_uid == 0:
            with suppress(OSError):
                chown(path, person.st_uid, person.st_gid)


def _choose(place: Place, owner: User, host: Host) -> Iterator[str]:
    file = place.beside / ".env"
    dot_env.write(file, {dot_env.UID: str(owner.uid), dot_env.GID: str(owner.gid)})
    yield (
        f"changed  {file}: owners cannot be changed here, so all containers run as the owner of "
        f"the files: {dot_env.UID}={owner.uid}, {dot_env.GID}={owner.gid}"
    )
    if not host.volumes.is_dir():
        yield "Their volumes still have to be given to that user: docker compose run --rm init"


def _opened(needs: list[Need], place: Place) -> Iterator[str]:
    """Open what has an owner who cannot be changed; a private folder still fences it."""
    for need in needs:
        is_state = need.path.parent == place.folder / STATE
        if need.bits == ENTER or (need.bits & WRITE and not is_state):
            continue
        with suppress(OSError):
            need.path.chmod(need.path.stat().st_mode & 0o777 | need.bits)
        if need.is_met:
            yield (
                f"opened  {need.path}: its owner cannot be changed here, so everybody may "
                f"{'use' if is_state else 'read'} it who gets into its folder"
            )


def _remedy(need: Need, place: Place, host: Host, *, is_refused: bool) -> str:
    if host.volumes in need.path.parents:
        return "only root can give it away: docker compose run --rm init"
    path = place.named(need.path)
    if need.path.name == CONFIG and need.bits & WRITE and not is_refused:
        return f"sudo chgrp {need.user.gid} {path} && sudo chmod g+rw {path}"
    if not is_refused:
        return f"sudo chown {need.user.uid} {path}, or remove it and run init again"
    if need.path.name == CONFIG and need.bits & WRITE:
        return "give its values to init: --tenant DOMAIN --client-id GUID"
    return (
        f"its owner cannot be changed here: set {dot_env.UID} and {dot_env.GID} in .env to the "
        "user and group that the files belong to, or mount the share with uid= and gid= of a user "
        "who is not root; then run init again"
    )
