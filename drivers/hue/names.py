"""Which light or group of a hub a name means. Pure; never asks a hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from bridge.contract.errors import LightRefusedError

_MOST_NAMES = 30
"""So many are listed when a name is not known."""
_PLACES = frozenset({"Room", "Zone"})
"""What people make; the hub has other groups of the same names (Hue API v1, "Groups API")."""


@dataclass(frozen=True)
class Entry:
    """One light or group as the hub lists it."""

    name: str
    type: str = ""


def entries_of(told: Mapping[str, Any]) -> dict[int, Entry]:
    """By number, from ``/lights`` or ``/groups``."""
    return {
        int(number): Entry(str(entry["name"]), str(entry.get("type", "")))
        for number, entry in told.items()
    }


def pick(entries: Mapping[int, Entry], wanted: int | str, what: str) -> int:
    """The number of the only one that ``wanted`` means; rooms and zones before other groups.

    Raises:
        LightRefusedError: There is none, or several.
    """
    found = [wanted] if isinstance(wanted, int) and wanted in entries else []
    if isinstance(wanted, str):
        found = _called(entries, wanted)
        if not found and wanted.isdecimal() and int(wanted) in entries:
            found = [int(wanted)]
    found = [number for number in found if entries[number].type in _PLACES] or found
    if len(found) == 1:
        return found[0]
    if found:
        types = ", ".join(f"{n} ({entries[n].type or 'no type'})" for n in sorted(found))
        raise LightRefusedError(
            f"{len(found)} {what}s of the hub are called {wanted!r}: {types}.",
            remedy=f"Write the number of one: {what} = {' or '.join(map(str, sorted(found)))}",
        )
    raise LightRefusedError(
        f"the hub has no {what} {wanted!r}.", remedy=f"Correct {what}: it has {listed(entries)}."
    )


def listed(entries: Mapping[int, Entry]) -> str:
    """Numbers and names for people."""
    known = [f"{number} {entry.name!r}" for number, entry in sorted(entries.items())]
    return ", ".join(known[:_MOST_NAMES]) + (" …" if len(known) > _MOST_NAMES else "") or "none"


def _called(entries: Mapping[int, Entry], wanted: str) -> list[int]:
    """Those of that name: as it is written, else whatever its capitals and spaces around."""
    ways: tuple[Callable[[str], str], ...] = (_composed, _folded)
    for way in ways:
        found = [number for number, entry in entries.items() if way(entry.name) == way(wanted)]
        if found:
            return found
    return []


def _composed(name: str) -> str:
    """An umlaut is one letter or two, as the keyboard made it (Unicode, UAX #15)."""
    return normalize("NFC", name)


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold()).strip()
