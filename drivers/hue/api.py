"""What a hub says: its lights and groups, which of them a name means, and its refusals. Pure.

phue only logs a refusal, and only when it comes first; so each reply is read here as a whole.
Source: Hue API v1 (developers.meethue.com, "Lights API", "Groups API", "Error messages").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from unicodedata import normalize

from pydantic import AliasPath, Field

from bridge.contract.errors import LightRefusedError, LightUnreachableError, PresenceBridgeError
from drivers.base import Capability
from drivers.record import Record

Point = tuple[float, float]
"""CIE 1931 chromaticity: x and y, 0 to 1 each."""
Gamut = tuple[Point, Point, Point]
"""The triangle of what a lamp can show: its red, green and blue."""

UNKNOWN_KEY, NO_SUCH_RESOURCE = 1, 3
NO_LINK_BUTTON, IS_OFF, INTERNAL = 101, 201, 901

_MOST_NAMES = 30
_PLACES = frozenset({"Room", "Zone"})
"""What people make; the hub has other groups of the same names (Hue API v1, "Groups API")."""


class Values(Record):
    """``state`` of a light. What a lamp cannot do is missing."""

    on: bool
    bri: int | None = None
    xy: Point | None = None
    ct: int | None = None
    hue: int | None = None
    sat: int | None = None
    effect: str | None = None
    colormode: str | None = None
    """``xy``, ``ct`` or ``hs``: which of them counts."""
    reachable: bool = True
    """Whether the lamp answered the hub the last time; the hub is slow to learn."""


class HubLight(Record):
    """One entry of ``/lights``."""

    name: str
    type: str = ""
    modelid: str = ""
    state: Values
    gamut: Gamut | None = Field(
        default=None, validation_alias=AliasPath("capabilities", "control", "colorgamut")
    )

    @property
    def capability(self) -> Capability:
        """What it can do. Some plugs of other makers name a brightness that they have not."""
        if self.state.xy is not None:
            return Capability.COLOR
        is_plug = self.state.bri is None or self.type.casefold().startswith("on/off")
        return Capability.ON_OFF if is_plug else Capability.WHITE


class Target(NamedTuple):
    """The light or group that the config names, as the hub has it."""

    is_group: bool
    id: int
    name: str

    def __str__(self) -> str:
        return f"{'group' if self.is_group else 'light'} {self.name!r}"


class Entry(NamedTuple):
    """One light or group as the hub lists it."""

    name: str
    type: str = ""


def entries_of(listing: Mapping[str, Any]) -> dict[int, Entry]:
    """By number, from ``/lights`` or ``/groups``."""
    return {
        int(number): Entry(str(entry["name"]), str(entry.get("type", "")))
        for number, entry in listing.items()
    }


def pick(entries: Mapping[int, Entry], wanted: int | str, what: str) -> int:
    """The number of the only one that ``wanted`` means; rooms and zones before other groups."""
    found = [] if isinstance(wanted, int) else _called(entries, wanted)
    if not found and str(wanted).isdecimal() and int(wanted) in entries:
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
    names = [f"{number} {entry.name!r}" for number, entry in sorted(entries.items())]
    return ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "") or "none"


def _called(entries: Mapping[int, Entry], wanted: str) -> list[int]:
    """Those of that name: as it is written, else whatever its capitals and spaces around."""
    for way in (_composed, lambda name: _composed(_composed(name).casefold()).strip()):
        found = [number for number, entry in entries.items() if way(entry.name) == way(wanted)]
        if found:
            return found
    return []


def _composed(name: str) -> str:
    """An umlaut is one letter or two, as the keyboard made it (Unicode, UAX #15)."""
    return normalize("NFC", name)


class Refusal(Record):
    """One ``error`` entry."""

    type: int
    description: str = ""


class HubRefusedError(Exception):
    """The hub answered, and refused; ``refusals`` is never empty. Stays inside of this kind."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(each.description or f"error {each.type}" for each in refusals))
        self.types = frozenset(refusal.type for refusal in refusals)


def checked(reply: Any) -> Any:
    """``reply`` itself, when it has no refusal; ``ValueError`` where no hub answers like that."""
    if isinstance(reply, dict):
        return reply
    is_reply = isinstance(reply, list) and all(
        isinstance(entry, dict) and entry.keys() & {"success", "error"} for entry in reply
    )
    if not (reply and is_reply):
        raise ValueError("no reply of a Hue hub")
    if errors := [Refusal.model_validate(entry["error"]) for entry in reply if "error" in entry]:
        raise HubRefusedError(errors)
    return reply


def meaning(error: HubRefusedError, *, name: str) -> PresenceBridgeError:
    """The error of ours for what the hub refused to the lamp ``name``."""
    if UNKNOWN_KEY in error.types:
        return LightRefusedError(
            "the hub does not know our key any more.",
            remedy=f"Run: presence-driver pair {name}",
        )
    if error.types & {NO_SUCH_RESOURCE, INTERNAL, IS_OFF}:
        return LightUnreachableError(f"the hub says: {error}")
    return LightRefusedError(
        f"the hub says: {error}.",
        remedy="Is this light or group right? See docs/lights/hue.md.",
    )


def hub_id_of(config: Any) -> str:
    """The id of the hub whose ``/api/config`` this is; ``ValueError`` where it is none."""
    config = checked(config)
    found = config.get("bridgeid") or config.get("mac") if isinstance(config, dict) else ""
    hub_id = str(found).replace(":", "").lower()
    if not (hub_id.isascii() and hub_id.isalnum()):
        raise ValueError("has no id")
    return hub_id


def no_hub(address: str) -> LightRefusedError:
    """The error for something else that answers there."""
    return LightRefusedError(
        f"{address} answers, but not as a Hue hub.", remedy="Correct hub in the config."
    )
