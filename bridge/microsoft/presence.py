"""Reads Graph's presence resource into ``Presence``. Never raises for what Microsoft adds.

Availability and activity are free strings; the documented sets have moved, and newer pages put
InACall, InAMeeting, Presenting and Focusing into availability. Both layouts and any casing are
read.
Source: Microsoft Graph documentation, "presence resource type" and its change log of 2025-09.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from bridge.contract.errors import SourceDataError
from bridge.contract.presence import Activity, Availability, Presence

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
    "inacall": (Availability.BUSY, Activity.IN_A_CALL),
    "inaconferencecall": (Availability.BUSY, Activity.IN_A_CONFERENCE_CALL),
    "inameeting": (Availability.BUSY, Activity.IN_A_MEETING),
    "presenting": (Availability.DO_NOT_DISTURB, Activity.PRESENTING),
    "focusing": (Availability.FOCUSING, Activity.FOCUSING),
}
_HIDE_NOTHING = {
    None,
    Activity.OUT_OF_OFFICE,
    *(Activity(item.value) for item in Availability if item.value in tuple(Activity)),
}
"""Activities beside which an availability such as InACall says more."""
_STATES = ("availability", "activity")


def parse_presence(resource: Any) -> Presence:
    """The facts in a presence resource.

    Raises:
        SourceDataError: It is no presence: no object, or its state words are no words.
    """
    if not isinstance(resource, Mapping) or not resource.keys() & {"id", *_STATES}:
        raise SourceDataError("Graph answered something that is no presence")
    # both are nullable in the schema: unknown, as PresenceUnknown is
    raw_availability, raw_activity = (
        "" if resource.get(key) is None else resource[key] for key in _STATES
    )
    if not isinstance(raw_availability, str) or not isinstance(raw_activity, str):
        raise SourceDataError("Graph answered a presence without availability and activity")
    availability, activity = _states(raw_availability, raw_activity)
    settings = _object(resource, "outOfOfficeSettings")
    status = _object(_object(resource, "statusMessage"), "message")
    return Presence(
        availability=availability,
        activity=activity,
        out_of_office=settings.get("isOutOfOffice") is True
        or "outofoffice" in (_folded(raw_availability), _folded(raw_activity)),
        status_message=_text(status, "content"),
        raw_availability=raw_availability,
        raw_activity=raw_activity,
        out_of_office_message=_text(settings, "message"),
        work_location=_text(_object(resource, "workLocation"), "workLocationType"),
        sequence_number=_text(resource, "sequenceNumber"),
    )


def _states(
    raw_availability: str, raw_activity: str
) -> tuple[Availability | None, Activity | None]:
    base, detail = _folded(raw_availability), _folded(raw_activity)
    if base == "outofoffice":
        return _out_of_office(raw_activity, detail)
    if base in _ACTIVITY_IN_AVAILABILITY:
        availability, activity = _ACTIVITY_IN_AVAILABILITY[base]
        told = _activity(raw_activity, detail)
        return availability, activity if told in _HIDE_NOTHING else told
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
        log.info("Microsoft uses a presence word that is new to us: %.60s", raw)
    return other


def _folded(word: str) -> str:
    return word.strip().lower().replace("_", "")


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(parent: Mapping[str, Any], key: str) -> str | None:
    value = parent.get(key)
    return (value.strip() or None) if isinstance(value, str) else None
