"""``presence-driver find`` and ``add``: lamps that answer on the network, and their config."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bridge.config.atomic_file import write_in_place
from bridge.config.tables.shared import HostConfig
from bridge.config.text_file import EncodingError, read_text
from bridge.config.toml_edits import OtherStyleError, toml_text, with_values
from bridge.contract.errors import ConfigError, LightRefusedError
from bridge.contract.topics import slug
from drivers.base import Found, Kind
from drivers.commands.arguments import COMMANDS
from drivers.registry import without_library

_ADDRESS = re.compile(r"(?:(?P<v4>[0-9.]+)|\[(?P<v6>[^\]]+)\])(?::\d{1,5})?")
_LONGEST_KEY = 30


async def found(kind: Kind[Any], at: str | None = None) -> list[Found]:
    """What of ``kind`` answers, each once, in the order of their names."""
    if kind.find is None:
        raise ConfigError([f"kind {kind.name!r} cannot be looked for: docs/lights.md says how"])
    if at is not None and not _is_address(at):
        raise ConfigError([f"--at {at}: write an IP address, as 192.0.2.255 or 192.0.2.7:56700"])
    answered = {}
    try:
        async with aclosing(kind.find(at)) as heard:
            async for each in heard:
                lamp = replace(each, name=_shown(each.name), about=_shown(each.about))
                answered[frozenset(each.options.items())] = lamp
    except ImportError as error:
        raise without_library(kind.name, error) from error
    return sorted(answered.values(), key=lambda each: (each.name.casefold(), each.address))


async def report(kinds: Sequence[Kind[Any]], at: str | None = None) -> list[str]:
    """The lines of all ``kinds``, which are looked for at once. Raises as ``found``."""
    answered = await asyncio.gather(*(found(kind, at) for kind in kinds))
    keys: set[str] = set()
    return [
        line
        for kind, lamps in zip(kinds, answered, strict=True)
        for line in (lines(kind, lamps, keys) if lamps else [f"# {kind.name}: no lamp answers."])
    ]


def lines(kind: Kind[Any], answered: Iterable[Found], keys: set[str]) -> Iterator[str]:
    """For each who answered a line for people and its table of the config, with a new key."""
    for each in answered:
        keys.add(key := key_of(each.name, keys))
        yield f"# {each.name}: {each.about} at {each.address}"
        yield f"[drivers.{key}]"
        values = _values(kind, each, key)
        yield from (f"{name} = {toml_text(value)}" for name, value in values.items())
        yield ""


def chosen(answered: Iterable[Found], which: str | None) -> Found:
    """The only one, or the one that ``which`` names, or whose address or value of a key it is."""
    those = list(answered)
    if which is not None:
        wanted = which.casefold()
        those = [each for each in those if wanted in set(map(str.casefold, _called(each)))]
    if len(those) == 1:
        return those[0]
    if those:
        names = ", ".join(f"{each.name!r} ({', '.join(_called(each)[1:])})" for each in those)
        raise LightRefusedError(
            f"{len(those)} lamps answer: {names}.",
            remedy="Name one of them, or what is in its brackets, behind the kind.",
        )
    raise LightRefusedError(
        f"no lamp {which!r} answers." if which else "no lamp answers.",
        remedy="Has it power, and is it in the network of this host? --at asks one address.",
    )


def add(
    file: Path, config: HostConfig, kind: Kind[Any], lamp: Found, key: str | None = None
) -> str:
    """Write the table of ``lamp`` into the config and return its key; the rest stays as it is."""
    for name, table in config.drivers.items():
        said = table.model_extra or {}
        if table.kind == kind.name and lamp.options.items() <= said.items():
            raise ConfigError([f"{lamp.name!r} is in {file} already, as [drivers.{name}]"])
    key = slug(key) if key else key_of(lamp.name)
    if key in COMMANDS:
        raise ConfigError([f"{key} is a command of presence-driver: choose another --name"])
    if key in config.drivers:
        raise ConfigError([f"drivers.{key} is in {file} already: choose another key with --name"])
    values = _values(kind, lamp, key)
    try:
        write_in_place(file, with_values(read_text(file), f"drivers.{key}", values))
    except (OtherStyleError, OSError, EncodingError) as error:
        by_hand = "\n".join(lines(kind, [lamp], set(config.drivers)))
        reason = f" ({error.strerror})" if isinstance(error, OSError) else ""
        raise ConfigError([f"write this into {file} yourself{reason}:\n{by_hand}"]) from error
    return key


def key_of(name: str, taken: Collection[str] = ()) -> str:
    """``name`` as a key of the config that none has: ``Büro links`` becomes ``buro_links``."""
    letters = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", letters)[:_LONGEST_KEY].strip("_") or "lamp"
    if key in COMMANDS:
        key = f"{key}_lamp"
    others = (f"{key}_{number}" for number in count(2))
    return key if key not in taken else next(each for each in others if each not in taken)


def _values(kind: Kind[Any], lamp: Found, key: str) -> dict[str, str]:
    return {"kind": kind.name, **lamp.options} | ({"name": lamp.name} if lamp.name != key else {})


def _called(lamp: Found) -> list[str]:
    return list(dict.fromkeys((lamp.name, lamp.address, *set(lamp.options.values()) - {"?"})))


def _is_address(text: str) -> bool:
    match = _ADDRESS.fullmatch(text)
    try:
        return match is not None and bool(ip_address(match["v4"] or match["v6"]))
    except ValueError:
        return False


def _shown(text: str) -> str:
    """In one line, without what a terminal takes for a command."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
