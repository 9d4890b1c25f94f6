"""The words for presence and the facts about one person. Never decides how a lamp looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


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
    """What the person does, in the contract's spelling; ``OTHER`` is a word that we do not know."""

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


BUSY = frozenset(
    {
        Availability.BUSY,
        Availability.BUSY_IDLE,
        Availability.DO_NOT_DISTURB,
        Availability.FOCUSING,
    }
)
IN_MEETING = frozenset({Activity.IN_A_MEETING})
_SAY_NOTHING = (Availability.OTHER, Activity.OTHER)
Word = TypeVar("Word", Availability, Activity)
IN_CALL = frozenset({Activity.IN_A_CALL, Activity.IN_A_CONFERENCE_CALL, Activity.PRESENTING})


@dataclass(frozen=True, slots=True)
class Presence:
    """The facts about one person at one moment. ``None`` means that Microsoft does not know."""

    availability: Availability | None = None
    activity: Activity | None = None
    out_of_office: bool = False
    status_message: str | None = None
    raw_availability: str | None = None
    """The word as Microsoft sent it."""
    raw_activity: str | None = None
    out_of_office_message: str | None = None
    work_location: str | None = None
    sequence_number: str | None = None
    """Microsoft's version stamp: letters and a number; a smaller one is older."""

    @property
    def busy(self) -> bool | None:
        """Whether the person should not be disturbed; ``None`` when unknown."""
        return _is_in(self.availability, BUSY)

    @property
    def in_call(self) -> bool | None:
        """In a call, a conference or presenting. A meeting may be calendar only and is not one."""
        return _is_in(self.activity, IN_CALL)

    @property
    def in_meeting(self) -> bool | None:
        """In a meeting of the calendar; ``None`` when unknown."""
        return _is_in(self.activity, IN_MEETING)


def _is_in(word: Word | None, words: frozenset[Word]) -> bool | None:
    """Nothing follows from a word that is missing, or that we do not know."""
    return None if word is None or word in _SAY_NOTHING else word in words
