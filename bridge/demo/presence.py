"""What Teams would show for one person, and how Graph words it. Never knows who asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


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


@dataclass(frozen=True, slots=True)
class State:
    """An availability and an activity in Microsoft's classic words; empty ones are told as null."""

    availability: str = "Available"
    activity: str = "Available"


OFFLINE = State("Offline", "Offline")


@dataclass(frozen=True, slots=True)
class Preferred:
    """A state that the person chose; it stands before what their sessions say."""

    state: State
    expires: datetime


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """The line under somebody's name."""

    content: str
    published: datetime
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where somebody works."""

    kind: str = "unspecified"
    """unspecified, office, remote or timeOff."""
    source: str = "none"
    place_id: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All of one person's presence at one moment."""

    session: State = State()
    """What the person's devices and calendar say."""
    preferred: Preferred | None = None
    status: StatusMessage | None = None
    out_of_office: bool = False
    out_of_office_message: str | None = None
    work_location: str | None = None
    """office, remote or timeOff, as the calendar says."""
    manual_location: Location | None = None
    """What the person, or an app for them, said; it stands before the calendar."""

    @property
    def shown(self) -> State:
        """The state that others see; a preferred one needs a live session."""
        if self.preferred is None or self.session.availability == "Offline":
            return self.session
        return self.preferred.state

    @property
    def location(self) -> Location:
        """Where the person works, of all that was said."""
        scheduled = Location(self.work_location, "scheduled") if self.work_location else Location()
        return self.manual_location or scheduled

    def at(self, now: datetime) -> Facts:
        """The same facts without what has expired."""
        facts = self
        if facts.preferred and facts.preferred.expires <= now:
            facts = replace(facts, preferred=None)
        if facts.status and facts.status.expires and facts.status.expires <= now:
            facts = replace(facts, status=None)
        return facts


@dataclass(frozen=True, slots=True)
class Wording:
    """How a cloud words presence."""

    layout: Layout = Layout.CLASSIC
    small_schema: bool = False
    """As in the US government clouds: states and status message only."""
    zone: str = "UTC"
    """The zone that ends are told in, as one of ``ZONES``."""


def graph_presence(
    oid: str, facts: Facts, *, sequence_number: str, own: bool, wording: Wording
) -> dict[str, Any]:
    """The presence resource of Graph v1.0; times of the status message are for its owner only."""
    state = reworded(facts.shown, wording.layout)
    if wording.layout is Layout.RECENT and facts.out_of_office:
        state = replace(state, activity="outOfOffice")  # beside any availability
    resource: dict[str, Any] = {
        "id": oid,
        "availability": state.availability or None,
        "activity": state.activity or None,
        "statusMessage": _status_message(facts.status, wording.zone, own=own),
    }
    if wording.small_schema:
        return resource
    location = facts.location
    return resource | {
        "outOfOfficeSettings": {
            "isOutOfOffice": facts.out_of_office,
            "message": facts.out_of_office_message,
        },
        "workLocation": {
            "workLocationType": location.kind,
            "source": location.source,
            "placeId": location.place_id,
        },
        "sequenceNumber": sequence_number,
    }


def reworded(state: State, layout: Layout) -> State:
    """``state`` in the words of ``layout``."""
    if layout is Layout.CLASSIC:
        return state
    availability = _MERGED.get(state.availability, state.availability)
    activity = state.activity if state.activity in ("", *_RECENT_ACTIVITIES) else availability
    availability = _MOVED.get(state.activity, availability)
    return State(_lower_camel(availability), _lower_camel(activity))


def _lower_camel(word: str) -> str:
    return word[:1].lower() + word[1:]


def zone_of(name: str) -> ZoneInfo:
    """The zone that Windows or the IANA calls ``name``; raises as ``ZoneInfo`` does."""
    return ZoneInfo(ZONES.get(name, name))


def _status_message(status: StatusMessage | None, zone: str, *, own: bool) -> dict[str, Any] | None:
    if status is None:
        return None
    message: dict[str, Any] = {"message": {"content": status.content, "contentType": "text"}}
    if own:
        message["publishedDateTime"] = f"{_seven_digits(status.published.astimezone(UTC))}Z"
        if status.expires:
            expires = status.expires.astimezone(zone_of(zone))
            message["expiryDateTime"] = {"dateTime": _seven_digits(expires), "timeZone": zone}
    return message


def _seven_digits(moment: datetime) -> str:
    """A time without its offset and with as many fraction digits as Microsoft tells."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0"
