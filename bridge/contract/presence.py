"""The words for presence and the facts about one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Availability(StrEnum):
    """The base state, in the contract's spelling; ``OTHER`` is a word that we do not know."""

    AVAILABLE = "available"
    AVAILABLE_IDLE = "available_idle"
    AWAY = "away"
    BE_RIGHT_BACK = "be_right_back"
    BUSY = "busy"
    BUSY_IDLE = "busy_idle"
    DO_NOT_DISTURB = "do_not_disturb"
    FOCUSING = "focusing"
    OFFLINE = "offline"
    OTHER = "other"


class Activity(StrEnum):
    """The activity, in the contract's spelling; ``OTHER`` is a word that we do not know."""

    AVAILABLE = "available"
    AWAY = "away"
    BE_RIGHT_BACK = "be_right_back"
    BUSY = "busy"
    DO_NOT_DISTURB = "do_not_disturb"
    FOCUSING = "focusing"
    IN_A_CALL = "in_a_call"
    IN_A_CONFERENCE_CALL = "in_a_conference_call"
    IN_A_MEETING = "in_a_meeting"
    INACTIVE = "inactive"
    OFFLINE = "offline"
    OFF_WORK = "off_work"
    OUT_OF_OFFICE = "out_of_office"
    PRESENTING = "presenting"
    URGENT_INTERRUPTIONS_ONLY = "urgent_interruptions_only"
    OTHER = "other"


class WorkLocation(StrEnum):
    """Where the person works today; ``OTHER`` is a word that we do not know."""

    UNSPECIFIED = "unspecified"
    """Neither the person nor the calendar knows it."""
    OFFICE = "office"
    REMOTE = "remote"
    TIME_OFF = "time_off"
    OTHER = "other"


class WorkLocationSource(StrEnum):
    """Where the work location comes from; ``OTHER`` is a word that we do not know."""

    NONE = "none"
    MANUAL = "manual"
    """The person, or an app for them; it comes before the next two."""
    AUTOMATIC = "automatic"
    """A device or a network that was recognised."""
    SCHEDULED = "scheduled"
    """The working hours in the calendar."""
    OTHER = "other"


BUSY = frozenset(
    {
        Availability.BUSY,
        Availability.BUSY_IDLE,
        Availability.DO_NOT_DISTURB,
        Availability.FOCUSING,
    }
)
IN_MEETING = frozenset({Activity.IN_A_MEETING})
_UNKNOWN = frozenset({None, Availability.OTHER, Activity.OTHER})
"""Nothing follows from a word that is missing, or that we do not know."""
IN_CALL = frozenset({Activity.IN_A_CALL, Activity.IN_A_CONFERENCE_CALL, Activity.PRESENTING})


@dataclass(frozen=True, slots=True)
class Presence:
    """The facts about one person at one moment. ``None`` means that Microsoft does not know."""

    availability: Availability | None = None
    activity: Activity | None = None
    out_of_office: bool | None = None
    """``None`` also where a cloud has no such field."""
    status_message: str | None = None
    status_message_until: datetime | None = None
    """When it ends; only known of the person who is signed in."""
    raw_availability: str | None = None
    """The word as Microsoft sent it."""
    raw_activity: str | None = None
    out_of_office_message: str | None = None
    work_location: WorkLocation | None = None
    """``None`` also where a cloud has no such field."""
    work_location_source: WorkLocationSource | None = None
    raw_work_location: str | None = None
    place_id: str | None = None
    """Microsoft's id of the building or desk."""
    sequence_number: str | None = None
    """Microsoft's version stamp: letters and a number; a smaller one is older."""

    @property
    def busy(self) -> bool | None:
        """Whether the person should not be disturbed; ``None`` when unknown."""
        return None if self.availability in _UNKNOWN else self.availability in BUSY

    @property
    def in_call(self) -> bool | None:
        """In a call, a conference or presenting. A meeting may be calendar only and is not one."""
        return self._does(IN_CALL)

    @property
    def in_meeting(self) -> bool | None:
        """In a meeting of the calendar; ``None`` when unknown."""
        return self._does(IN_MEETING)

    def _does(self, activities: frozenset[Activity]) -> bool | None:
        """True when one of the two words means it; false only when both words are known."""
        if self.activity in activities:
            return True
        return None if {self.availability, self.activity} & _UNKNOWN else False

    def without_messages(self) -> Presence:
        """The same without what the person wrote."""
        if self.status_message is self.out_of_office_message is None:
            return self
        return replace(
            self, status_message=None, status_message_until=None, out_of_office_message=None
        )

    def at(self, now: datetime) -> Presence:
        """The same at ``now``: without a status message that is over."""
        if self.status_message_until is None or now < self.status_message_until:
            return self
        return replace(self, status_message=None, status_message_until=None)


Part = Callable[[Mapping[str, Presence]], None]
"""Gets what one of several requests of a read brought, by account slug, while the read goes on."""
