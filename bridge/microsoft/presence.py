"""Reads Graph's presence resource into ``Presence``; what Microsoft adds is no error.

Availability and activity are free strings; the documented sets have moved, and newer pages put
InACall, InAMeeting, Presenting and Focusing into availability. Both layouts and any casing are
read.
Source: Microsoft Graph documentation, "presence resource type" and its change log of 2025-09.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from bridge.contract.errors import SourceDataError
from bridge.contract.presence import (
    Activity,
    Availability,
    Presence,
    WorkLocation,
    WorkLocationSource,
)
from bridge.microsoft.moments import moment_of
from bridge.microsoft.texts import NAME_BYTES, message, plain, text_in

log = logging.getLogger(__name__)

O = TypeVar("O", Availability, Activity)  # noqa: E741 - one of the two kinds of words

_WORDS_SEEN: set[str] = set()

_UNKNOWN = frozenset({"presenceunknown", "unknown", ""})

_AVAILABILITIES = {item.value.replace("_", ""): item for item in Availability}
_ACTIVITIES = {item.value.replace("_", ""): item for item in Activity} | {
    "availableinactive": Activity.INACTIVE,
    "busyidle": Activity.INACTIVE,
    "availableidle": Activity.INACTIVE,
}
_ACTIVITY_IN_AVAILABILITY = {
    "inactive": (Availability.AVAILABLE_IDLE, Activity.INACTIVE),
    "availableinactive": (Availability.AVAILABLE_IDLE, Activity.INACTIVE),
    "offwork": (Availability.OFFLINE, Activity.OFF_WORK),
    "urgentinterruptionsonly": (Availability.DO_NOT_DISTURB, Activity.URGENT_INTERRUPTIONS_ONLY),
    "focusing": (Availability.FOCUSING, Activity.FOCUSING),
    "inameeting": (Availability.BUSY, Activity.IN_A_MEETING),
    "inacall": (Availability.BUSY, Activity.IN_A_CALL),
    "inaconferencecall": (Availability.BUSY, Activity.IN_A_CONFERENCE_CALL),
    "presenting": (Availability.DO_NOT_DISTURB, Activity.PRESENTING),
}
_SAYING = [activity for _, activity in _ACTIVITY_IN_AVAILABILITY.values()]
"""Of two of these the later is shown: no call hides behind a meeting. All others say less."""
_KEYS = frozenset({"id", "availability", "activity"})
_OUT_OF_OFFICE = "outofoffice"
_LOCATIONS = {item.value.replace("_", ""): item for item in WorkLocation}
_SOURCES = {item.value: item for item in WorkLocationSource}


class _Words(NamedTuple):
    """What the two state words of Microsoft mean."""

    raw_availability: str
    raw_activity: str
    availability: Availability | None
    activity: Activity | None
    out_of_office: bool


class _Place(NamedTuple):
    """What the words about the work location mean."""

    location: WorkLocation | None = None
    source: WorkLocationSource | None = None
    raw_location: str | None = None
    place_id: str | None = None


_NOWHERE = _Place()


def parse_presence(resource: Any) -> Presence:
    """The facts in a presence resource.

    Raises:
        SourceDataError: It is no presence: no object, or its state words are no words.
    """
    if not isinstance(resource, dict) or _KEYS.isdisjoint(resource):
        raise SourceDataError("Graph's answer is not a presence")
    # both are nullable in the schema: unknown, as PresenceUnknown is
    raw_availability = _or_empty(resource.get("availability"))
    raw_activity = _or_empty(resource.get("activity"))
    if not isinstance(raw_availability, str) or not isinstance(raw_activity, str):
        raise SourceDataError("Graph sent a presence without availability and activity")
    words = _words(raw_availability[:NAME_BYTES], raw_activity[:NAME_BYTES])
    settings, status = _object(resource, "outOfOfficeSettings"), _object(resource, "statusMessage")
    says = _message(_object(status, "message"), "content")
    place = _place(_object(resource, "workLocation"))
    return Presence(
        availability=words.availability,
        activity=words.activity,
        out_of_office=words.out_of_office or _boolean(settings.get("isOutOfOffice")),
        status_message=says,
        status_message_until=moment_of(status.get("expiryDateTime")) if says else None,
        raw_availability=words.raw_availability,
        raw_activity=words.raw_activity,
        out_of_office_message=_message(settings, "message"),
        work_location=place.location,
        work_location_source=place.source,
        raw_work_location=place.raw_location,
        place_id=place.place_id,
        sequence_number=text_in(resource, "sequenceNumber"),
    )


@lru_cache(maxsize=256)
def _words(raw_availability: str, raw_activity: str) -> _Words:
    """Few words for many people: each pair is read once."""
    states = _states(raw_availability, raw_activity)
    is_out = _OUT_OF_OFFICE in (_folded(raw_availability), _folded(raw_activity))
    return _Words(
        plain(raw_availability, NAME_BYTES), plain(raw_activity, NAME_BYTES), *states, is_out
    )


def _place(location: dict[str, Any]) -> _Place:
    if not location:
        return _NOWHERE
    return _place_of(*(_text(location.get(k)) for k in ("workLocationType", "source", "placeId")))


@lru_cache(maxsize=256)
def _place_of(kind: str, source: str, place_id: str) -> _Place:
    """As with the words: many people work in few places."""
    return _Place(
        _LOCATIONS.get(folded, WorkLocation.OTHER) if (folded := _folded(kind)) else None,
        _SOURCES.get(folded, WorkLocationSource.OTHER) if (folded := _folded(source)) else None,
        plain(kind, NAME_BYTES) or None,
        plain(place_id, NAME_BYTES) or None,
    )


def _states(
    raw_availability: str, raw_activity: str
) -> tuple[Availability | None, Activity | None]:
    base, detail = _folded(raw_availability), _folded(raw_activity)
    if base == _OUT_OF_OFFICE:
        return _out_of_office(raw_activity, detail)
    if base in _ACTIVITY_IN_AVAILABILITY:
        availability, activity = _ACTIVITY_IN_AVAILABILITY[base]
        detailed = _activity(raw_activity, detail)
        return availability, max((activity, detailed), key=_says)
    return _availability(raw_availability, base), _activity(raw_activity, detail)


def _out_of_office(raw_activity: str, detail: str) -> tuple[Availability | None, Activity | None]:
    """The other word says what the person does beside being out of office, if anything."""
    availability, activity = _ACTIVITY_IN_AVAILABILITY.get(
        detail, (_AVAILABILITIES.get(detail), _activity(raw_activity, detail))
    )
    return availability, activity or Activity.OUT_OF_OFFICE


def _availability(raw: str, folded: str) -> Availability | None:
    if folded in _UNKNOWN:
        return None
    return _AVAILABILITIES.get(folded) or _new_word(raw, Availability.OTHER)


def _activity(raw: str, folded: str) -> Activity | None:
    if folded in _UNKNOWN:
        return None
    return _ACTIVITIES.get(folded) or _new_word(raw, Activity.OTHER)


def _new_word(raw: str, other: O) -> O:
    if raw not in _WORDS_SEEN:
        _WORDS_SEEN.add(raw)
        log.info("Microsoft uses a presence word that is new to us: %s", plain(raw, 60))
    return other


def _says(activity: Activity | None) -> int:
    return _SAYING.index(activity) if activity in _SAYING else -1


def _folded(word: str) -> str:
    return "".join(char for char in word.lower() if char.isalnum())


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _or_empty(value: object) -> object:
    return "" if value is None else value


def _text(value: object) -> str:
    return value[: 4 * NAME_BYTES] if isinstance(value, str) else ""


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _message(parent: dict[str, Any], key: str) -> str | None:
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        return None
    return message(value, parent.get("contentType")) or None
