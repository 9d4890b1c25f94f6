"""What Teams would show for one person, and how Graph words it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any


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


def graph_presence(oid: str, facts: Facts, *, sequence_number: str, own: bool) -> dict[str, Any]:
    """The presence resource of Graph v1.0; times of the status message are for its owner only."""
    shown, location = facts.shown, facts.location
    return {
        "id": oid,
        "availability": shown.availability or None,
        "activity": shown.activity or None,
        "statusMessage": _status_message(facts.status, own=own),
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


def _status_message(status: StatusMessage | None, *, own: bool) -> dict[str, Any] | None:
    if status is None:
        return None
    message: dict[str, Any] = {"message": {"content": status.content, "contentType": "text"}}
    if own:
        message["publishedDateTime"] = f"{seven_digits(status.published.astimezone(UTC))}Z"
        if status.expires:
            expires = seven_digits(status.expires.astimezone(UTC))
            message["expiryDateTime"] = {"dateTime": expires, "timeZone": "UTC"}
    return message


def seven_digits(moment: datetime) -> str:
    """A time without its offset and with as many fraction digits as Microsoft tells."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0"
