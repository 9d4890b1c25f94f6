"""Moves an installation of 0.1.0, which lay all over the clone, into the folder to keep.

Each step is done where its result is missing: after a kill it goes on, and what is there already is
never overwritten. What git tracks is then as it was shipped, so that the next update can change it.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE
from typing import Any

from bridge.config import state_dir
from bridge.config.atomic_file import is_there, make_folder, write_public
from bridge.config.text_file import read_text
from bridge.contract.errors import ConfigError
from bridge.setup.owners import CONFIG, MARK, PAGE, STATE, VOLUME_OF
from bridge.setup.place import OVERRIDES, Place, place_of

SHIPPED = Path(__file__).with_name("shipped")
"""What git tracks and 0.1.0 wrote into, as it is without that."""
MOVED = ".moved"
"""In the folder of states: the volumes of 0.1.0 are not looked at any more."""
RULES = "mosquitto/acl"
MENDED = "removed"
"""How the line begins of a folder that Docker made: containers that have it must be made anew."""
_RUNS = (
    "the bridge runs, and what it remembers is to be moved: stop it with docker compose "
    "--profile driver down, and run init again"
)


def move(place: Place, volumes: Path) -> Iterator[str]:
    """Move what 0.1.0 left in the clone and in ``volumes``; lines for the person.

    Raises:
        ConfigError: The bridge runs, or git could not join its changes with a person's.
        OSError: The disk refuses.
    """
    if not place.is_clone:
        return
    _refuse(place, volumes)
    yield from _mended(place)
    if not volumes.is_dir():  # in a container the config names what is mounted elsewhere
        yield from _named_by_config(place)
    yield from _tracked(place, CONFIG)
    passwords = place.beside / "mosquitto" / "passwords"
    yield from _tracked(place, RULES, is_used=passwords.is_file())
    yield from _file(place, passwords)
    yield from _secrets(place)
    if volumes.is_dir():
        yield from _states(place, volumes)


def as_shipped(file: Path) -> bool:
    """Whether nobody has written anything into ``file``, which git tracks."""
    return file.is_file() and read_text(file) == _shipped(file.name)


def to_fill_in(config: Path) -> Path:
    """Where the page writes what ``config`` lacks: not into what git tracks."""
    place = place_of(config.parent)
    return place.folder / CONFIG if place.is_clone and as_shipped(config) else config


def _shipped(name: str) -> str:
    return read_text(SHIPPED / Path(name).name)


def _refuse(place: Place, volumes: Path) -> None:
    """What has to be done before anything is moved."""
    state = volumes / VOLUME_OF["bridge"]
    is_moved = (place.folder / STATE / MOVED).exists()
    if not is_moved and _content(state) and state_dir.in_use(state):
        raise ConfigError([_RUNS])
    for name in (CONFIG, RULES):
        file = place.beside / name
        if file.is_file() and "\n<<<<<<< " in f"\n{read_text(file)}":
            cure = f"git checkout stash@{{0}} -- {name}, and run init again"
            raise ConfigError([f"{name}: git could not join the update with your changes: {cure}"])


def _mended(place: Place) -> Iterator[str]:
    """Take away what Docker makes of a file that is missing: an empty folder."""
    named = [place.folder / CONFIG]
    for root in (place.folder, place.beside):
        named += [*(root / "secrets").glob("mqtt_*"), root / "secrets" / PAGE]
    for path in named:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
            yield f"{MENDED}  {path}: an empty folder, as Docker makes of a missing file"
    with suppress(OSError):  # it has content, or is not there
        (place.folder / "secrets").rmdir()


def _named_by_config(place: Place) -> Iterator[str]:
    """Move the files and the state that a config names beside it."""
    config = place.beside / CONFIG
    if not config.is_file() or as_shipped(config) or is_there(place.folder / CONFIG):
        return
    for key, value in _texts(config):
        path = Path(value)
        is_beside = len(path.parts) > 0 and path.parts[0] not in ("/", "..", "~", "secrets")
        if is_beside and (key.endswith("_file") or key == "state_dir"):
            if key == "state_dir" and state_dir.in_use(place.beside / path):
                raise ConfigError([_RUNS])
            yield from _file(place, place.beside / path)


def _texts(config: Path) -> Iterator[tuple[str, str]]:
    """Each key whose value is a text; none in a config that is broken."""
    with suppress(tomllib.TOMLDecodeError):
        tables: list[Mapping[str, Any]] = [tomllib.loads(read_text(config))]
        for table in tables:
            tables += [value for value in table.values() if isinstance(value, dict)]
            yield from ((key, value) for key, value in table.items() if isinstance(value, str))


def _tracked(place: Place, name: str, *, is_used: bool = False) -> Iterator[str]:
    """Copy ``name`` where it is used or was written into, and give it back as it was shipped."""
    source, target = place.beside / name, place.folder / name
    if not source.is_file():
        return
    text = read_text(source)
    is_new = text == _shipped(name)
    if (is_used or not is_new) and not is_there(target):
        make_folder(target.parent)
        write_public(target, text, mode=S_IMODE(source.stat().st_mode))
        yield _moved(place, source, target)
    if is_new:
        return
    if read_text(target) != text:
        yield f"kept  {source}: {place.named(target)} counts; git checkout {name} gives it back"
        return
    write_public(source, _shipped(name), mode=0o644)
    with suppress(OSError):  # another's, or a share without modes
        source.chmod(0o644)
    yield f"changed  {source}: it is again as it was shipped"


def _file(place: Place, source: Path) -> Iterator[str]:
    """Move one file, or a whole folder."""
    target = place.folder / place.named(source)
    if not source.exists():
        return
    if any(target.iterdir()) if target.is_dir() else is_there(target):
        yield f"kept  {source}: {place.named(target)} counts"
        return
    make_folder(target.parent)
    source.rename(target)
    yield _moved(place, source, target)


def _secrets(place: Place) -> Iterator[str]:
    source, target = place.beside / "secrets", place.folder / "secrets"
    if source.is_dir() and not source.is_symlink():
        make_folder(target.parent)
        target.mkdir(mode=0o700, exist_ok=True)
        for path in sorted(source.iterdir()):
            yield from _file(place, path)
        with suppress(OSError):  # what counts no more is still there
            source.rmdir()
    for file in (place.beside / name for name in OVERRIDES):
        if not source.exists() and file.is_file() and "./secrets/" in read_text(file):
            with suppress(OSError):  # a share without links
                source.symlink_to(place.named(target))
            yield f"      {place.named(file)} names ./secrets: write ./{place.named(target)} there"


def _states(place: Place, volumes: Path) -> Iterator[str]:
    """Copy the volumes, once; they stay as they are: a way back."""
    states = place.folder / STATE
    if (states / MOVED).exists():
        return
    make_folder(place.folder)
    states.mkdir(mode=0o700, exist_ok=True)
    for name, volume in VOLUME_OF.items():
        source, target, draft = volumes / volume, states / name, states / f".{name}.new"
        if not _content(source) or _content(target):
            continue
        if draft.exists():
            shutil.rmtree(draft)
        shutil.copytree(source, draft, symlinks=True, ignore=_passing)
        os.sync()
        if target.exists():
            target.rmdir()
        draft.rename(target)
        yield f"copied  the volume {volume} -> {place.named(target)}"
    (states / MOVED).touch()


def _content(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()} - {MARK} if folder.is_dir() else set()
    except PermissionError as error:
        cure = "only root can move what is in it: docker compose run --rm init"
        raise ConfigError([f"{folder}: {error.strerror}; {cure}"]) from error


def _passing(folder: str, names: list[str]) -> set[str]:
    """What is no memory: sockets, locks, signs of life."""
    paths = {name: Path(folder, name) for name in names}
    return {
        name
        for name, path in paths.items()
        if name in (MARK, state_dir.LOCK)
        or name.endswith(state_dir.HEARTBEAT)
        or not (path.is_dir() or path.is_file() or path.is_symlink())
    }


def _moved(place: Place, source: Path, target: Path) -> str:
    return f"moved  {place.named(source)} -> {place.named(target)}"
