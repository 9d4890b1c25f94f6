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
from bridge.config.time_zone import LOCALTIME, known_zone
from bridge.contract.errors import ConfigError
from bridge.setup import dot_env
from bridge.setup.owners import (
    BRIDGE,
    BROKER,
    CONFIG,
    VOLUMES,
    WRITE,
    Need,
    User,
    Users,
    mounts_of,
    needs_of,
    owner_of,
)

COMPOSE = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
MARK = ".owner"
"""Docker gives an empty volume the owner of the image's folder each time that it is mounted."""

Chown = Callable[[Path, int, int], None]


@dataclass(frozen=True, slots=True)
class Host:
    """Where ``init`` runs."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    chown: Chown = os.chown
    localtime: Path = LOCALTIME
    volumes: Path = VOLUMES


def hand_over(folder: Path, host: Host) -> Iterator[str]:
    """Give each file to the one user that reads it in its container; lines for the person.

    Raises:
        ConfigError: A container could not use what it mounts; each with its remedy.
        ContractError: ``.env`` names no user.
    """
    composed = _composed(folder)
    _give_person(folder, host.chown)
    chosen = dot_env.users_of(dot_env.read(folder / ".env", host.environ))
    needs = _needs(folder, chosen or Users(), host)
    is_root = os.geteuid() == 0
    is_refused = not is_root or not _give(needs, folder, host.chown)
    if composed is None and (not is_root or not is_refused):
        return  # no container is to come, or all was given
    if not is_root and not host.volumes.is_dir() and _unmet(needs):
        yield "For docker compose: docker compose run --rm init   (its users cannot read this yet)"
        return
    lacking = [need for need in _unmet(needs) if host.volumes not in need.path.parents]
    if is_refused and not chosen and dot_env.UID in (composed or "") and (it := owner_of(lacking)):
        needs = _needs(folder, Users(it, it), host)
        _give(needs, folder, host.chown)  # what was given to others comes back
        yield from _choose(folder, it, host)
    if is_refused:
        yield from _opened(_unmet(needs))
    yield from _zone(folder, composed or "", host)
    if unmet := _unmet(needs):
        remedies = [_remedy(need, folder, host, is_refused=is_refused) for need in unmet]
        raise ConfigError([f"{need}; {it}" for need, it in zip(unmet, remedies, strict=True)])


def give_volumes(folder: Path, host: Host) -> User | None:
    """Give the volumes to the owner of ``folder``, into which root may not write; who that is."""
    found = folder.stat()
    if os.geteuid() != 0 or found.st_uid == 0:
        return None
    owner = User(found.st_uid, found.st_gid)
    _give(_needs(Path(os.devnull), Users(owner, owner), host), folder, host.chown)
    return owner


def _composed(folder: Path) -> str | None:
    """What the compose file says, where there is one."""
    files = (file for name in COMPOSE if (file := folder / name).is_file())
    return next((read_text(file) for file in files), None)


def _needs(folder: Path, users: Users, host: Host) -> list[Need]:
    config = folder / CONFIG
    gaps = config.is_file() and str(PLACEHOLDER_CLIENT_ID) in read_text(config)
    needs = needs_of(folder, users, config_has_gaps=gaps, volumes=host.volumes)
    known = {need.path for need in needs}
    added = mounts_of(_composed(folder) or "", folder, users)
    return [*needs, *(need for need in added if need.path not in known)]


def _unmet(needs: list[Need]) -> list[Need]:
    return [need for need in needs if not need.is_met]


def _give(needs: list[Need], folder: Path, chown: Chown) -> bool:
    """Whether nothing was refused.

    What a person gave to another user, as that of a systemd unit, stays with that one.
    """
    person = folder.stat()
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
    if not within and volume.user not in (BRIDGE, BROKER):
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


def _zone(folder: Path, composed: str, host: Host) -> Iterator[str]:
    """Keep the time zone for the containers, which do not see the machine's."""
    file = folder / ".env"
    if dot_env.ZONE not in composed or dot_env.ZONE in dot_env.read(file, {}):
        return
    if zone := known_zone(host.environ, host.localtime):
        dot_env.write(file, {dot_env.ZONE: zone})
        _give_person(folder, host.chown)
        yield f"changed  {file}: {dot_env.ZONE}={zone}"
    else:
        yield "Where hours or schedules are used: TZ=Europe/Berlin, or what it is, into .env"


def _give_person(folder: Path, chown: Chown) -> None:
    """What no container reads is the person's, also where root wrote it."""
    person = folder.stat()
    for path in (folder / "secrets", folder / "secrets" / "mqtt_homeassistant", folder / ".env"):
        if os.geteuid() == 0 and path.exists() and path.stat().st_uid == 0 != person.st_uid:
            with suppress(OSError):
                chown(path, person.st_uid, person.st_gid)


def _choose(folder: Path, owner: User, host: Host) -> Iterator[str]:
    file = folder / ".env"
    dot_env.write(file, {dot_env.UID: str(owner.uid), dot_env.GID: str(owner.gid)})
    yield (
        f"changed  {file}: owners cannot be changed here, so all containers run as the owner of "
        f"the files: {dot_env.UID}={owner.uid}, {dot_env.GID}={owner.gid}"
    )
    if not host.volumes.is_dir():
        yield "Their volumes still have to be given to that user: docker compose run --rm init"


def _opened(needs: list[Need]) -> Iterator[str]:
    """Let everybody read, where the owner cannot be changed; a secret's folder still fences it."""
    for need in needs:
        if need.bits & WRITE:
            continue
        with suppress(OSError):
            need.path.chmod(need.path.stat().st_mode & 0o777 | need.bits)
        if need.is_met:
            yield (
                f"opened  {need.path}: its owner cannot be changed here, so everybody may read it "
                "who gets into its folder"
            )


def _remedy(need: Need, folder: Path, host: Host, *, is_refused: bool) -> str:
    if host.volumes in need.path.parents:
        return "only root can give it away: docker compose run --rm init"
    path = need.path.relative_to(folder)  # in a container the folder has another name
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
