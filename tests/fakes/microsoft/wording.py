"""How the clouds word presence: the layout of late 2025, fewer properties, zones of Windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.microsoft.presence import Facts, State, seven_digits


class Layout(StrEnum):
    """How presence is worded; Microsoft's pages show both (changelog of September 2025)."""

    CLASSIC = "classic"
    """PascalCase; what the person does is the activity: Busy and InACall."""
    RECENT = "recent"
    """lowerCamelCase; what the person does moved to the availability: inACall and busy."""


ZONES = {
    "UTC": "UTC",
    "W. Europe Standard Time": "Europe/Berlin",
    "India Standard Time": "Asia/Kolkata",
    "Pacific Standard Time": "America/Los_Angeles",
}
"""Some names of Windows that Microsoft tells times with, and the same zones of the IANA."""

_MOVED = {
    "Focusing": "Focusing",
    "InACall": "InACall",
    "InAConferenceCall": "InACall",
    "InAMeeting": "InAMeeting",
    "Presenting": "Presenting",
}
"""Activities of the classic layout that are availabilities of the recent one."""

_MERGED = {"AvailableIdle": "Available", "BusyIdle": "Busy"}
"""Availabilities that the recent layout has no word for."""

_RECENT_ACTIVITIES = frozenset(
    {
        "Available",
        "Away",
        "BeRightBack",
        "Busy",
        "DoNotDisturb",
        "Offline",
        "OutOfOffice",
        "PresenceUnknown",
    }
)
_SMALL = ("id", "availability", "activity", "statusMessage")


@dataclass(frozen=True, slots=True)
class Wording:
    """How a cloud words presence."""

    layout: Layout = Layout.CLASSIC
    small_schema: bool = False
    """As in the US government clouds: states and status message only."""
    zone: str = "UTC"
    """The zone that ends are told in, as one of ``ZONES``."""

    def __call__(self, facts: Facts, resource: dict[str, Any]) -> dict[str, Any]:
        """``resource`` in the words of this cloud."""
        state = reworded(facts.shown, self.layout)
        if self.layout is Layout.RECENT and facts.out_of_office:
            state = replace(state, activity="outOfOffice")  # beside any availability
        resource |= {
            "availability": state.availability or None,
            "activity": state.activity or None,
        }
        message = resource["statusMessage"] or {}
        if "expiryDateTime" in message and facts.status and facts.status.expires:
            ends = seven_digits(facts.status.expires.astimezone(zone_of(self.zone)))
            message["expiryDateTime"] = {"dateTime": ends, "timeZone": self.zone}
        return {key: resource[key] for key in _SMALL} if self.small_schema else resource


def reworded(state: State, layout: Layout) -> State:
    """``state`` in the words of ``layout``."""
    if layout is Layout.CLASSIC:
        return state
    availability = _MERGED.get(state.availability, state.availability)
    activity = state.activity if state.activity in ("", *_RECENT_ACTIVITIES) else availability
    availability = _MOVED.get(state.activity, availability)
    return State(_lower_camel(availability), _lower_camel(activity))


def zone_of(name: str) -> ZoneInfo:
    """The zone that Windows or the IANA calls ``name``; raises as ``ZoneInfo`` does."""
    return ZoneInfo(ZONES.get(name, name))


def _lower_camel(word: str) -> str:
    return word[:1].lower() + word[1:]
