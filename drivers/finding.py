"""``presence-driver find`` and ``add``: lamps that answer on the network, and their config."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bridge.config.atomic_file import write_in_place
from bridge.config.tables.shared import HostConfig
from bridge.config.toml_values import OtherStyleError, toml_text, with_values
from bridge.contract.errors import ConfigError, LightRefusedError
from bridge.contract.topics import slug
from drivers.base import Found, Kind


async def found(kind: Kind[Any], at: str | None = None) -> list[Found]:
    """What of ``kind`` answers, in the order of their names.

    Raises:
        ConfigError: Nobody can look for that kind.
    """
    if kind.find is None:
        raise ConfigError([f"kind {kind.name!r} cannot be looked for: docs/lights.md says how"])
    async with aclosing(kind.find(at)) as answered:
        return sorted([each async for each in answered], key=lambda each: each.name.casefold())


def lines(kind: Kind[Any], answered: Iterable[Found]) -> Iterator[str]:
    """For each who answered a line for people and its table of the config."""
    for each in answered:
        yield f"# {each.name}: {each.about} at {each.address}"
        yield f"[drivers.{key_of(each.name)}]"
        yield f'kind = "{kind.name}"'
        yield from (f"{key} = {toml_text(value)}" for key, value in each.options.items())
        yield ""


def chosen(answered: Iterable[Found], which: str | None) -> Found:
    """The only one, or the one of that name or address.

    Raises:
        LightRefusedError: None or several.
    """
    those = list(answered)
    if which is not None:
        wanted = which.casefold()
        those = [each for each in those if wanted in {each.name.casefold(), each.address}]
    if len(those) == 1:
        return those[0]
    if those:
        names = ", ".join(f"{each.name!r} ({each.address})" for each in those)
        raise LightRefusedError(
            f"{len(those)} lamps answer: {names}.",
            remedy="Name one of them, or its address, behind the kind.",
        )
    raise LightRefusedError(
        f"no lamp {which!r} answers." if which else "no lamp answers.",
        remedy="Has it power, and is it in the network of this host? --at asks one address.",
    )


def add(
    file: Path, config: HostConfig, kind: Kind[Any], lamp: Found, key: str | None = None
) -> str:
    """Write the table of ``lamp`` into the config and return its key; the rest stays as it is.

    Raises:
        ConfigError: It is there already, or only a person can write it there.
    """
    for name, table in config.drivers.items():
        said = table.model_extra or {}
        if table.kind == kind.name and lamp.options.items() <= said.items():
            raise ConfigError([f"{lamp.name!r} is in {file} already, as [drivers.{name}]"])
    key = slug(key or key_of(lamp.name))
    if key in config.drivers:
        raise ConfigError([f"drivers.{key} is in {file} already: choose another key with --name"])
    values = {"kind": kind.name, **lamp.options}
    if key != lamp.name:
        values["name"] = lamp.name
    try:
        text = with_values(file.read_text(encoding="utf-8"), f"drivers.{key}", values)
    except OtherStyleError as error:
        by_hand = "\n".join(lines(kind, [lamp]))
        raise ConfigError([f"write this into {file} yourself:\n{by_hand}"]) from error
    write_in_place(file, text)
    return key


def key_of(name: str) -> str:
    """``name`` as a key of the config: ``Büro links`` becomes ``buro_links``."""
    letters = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or "lamp"
