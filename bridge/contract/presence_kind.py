"""What a presence means at a glance: one of six kinds, each with the colour it has everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bridge.contract.presence import BUSY, Activity, Availability, Presence


class Kind(StrEnum):
    """Presence as one of six, for a colour, a strip or a count."""

    AVAILABLE = "available"
    AWAY = "away"
    BUSY = "busy"
    CALL = "call"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    """Not read, too old, or a word that Microsoft invented since."""


COLORS: Mapping[Kind, str] = {
    Kind.AVAILABLE: "green",
    Kind.AWAY: "yellow",
    Kind.BUSY: "red",
    Kind.CALL: "red",
    Kind.OFFLINE: "black",
    Kind.UNKNOWN: "white",
}
"""On lamps and on the page; a call is the stronger of the two reds, and never told by red alone."""

GENERIC_ACTIVITIES = frozenset(
    {
        Activity.AVAILABLE,
        Activity.AWAY,
        Activity.BE_RIGHT_BACK,
        Activity.BUSY,
        Activity.DO_NOT_DISTURB,
        Activity.INACTIVE,
        Activity.OFFLINE,
        Activity.OTHER,
    }
)
"""Activities that say no more than the availability does."""

_KINDS = {
    Availability.AVAILABLE: Kind.AVAILABLE,
    Availability.AVAILABLE_IDLE: Kind.AVAILABLE,
    Availability.AWAY: Kind.AWAY,
    Availability.BE_RIGHT_BACK: Kind.AWAY,
    **dict.fromkeys(BUSY, Kind.BUSY),
    Availability.OFFLINE: Kind.OFFLINE,
}


def kind_of(presence: Presence | None) -> Kind:
    """The kind of ``presence``; ``None`` is unknown."""
    if presence and presence.in_call:
        return Kind.CALL
    availability = presence.availability if presence else None
    return _KINDS.get(availability, Kind.UNKNOWN) if availability else Kind.UNKNOWN
