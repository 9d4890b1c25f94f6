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
_BASE_ACTIVITIES = {item.value for item in Availability}


def parse_presence(resource: Any) -> Presence:
    """The facts in a presence resource.

    Raises:
        SourceDataError: It is no presence: no object, or without the two state words.
    """
    if not isinstance(resource, Mapping):
        raise SourceDataError("Graph answered something that is no presence")
    raw_availability = resource.get("availability")
    raw_activity = resource.get("activity")
    if not isinstance(raw_availability, str) or not isinstance(raw_activity, str):
        raise SourceDataError("Graph answered a presence without availability and activity")
    availability, activity = _states(raw_availability, raw_activity)
    settings = _object(resource, "outOfOfficeSettings")
    status = _object(_object(resource, "statusMessage"), "message")
    return Presence(
        availability=availability,
        activity=activity,
        out_of_office=settings.get("isOutOfOffice") is True or activity is Activity.OUT_OF_OFFICE,
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
    if base in _ACTIVITY_IN_AVAILABILITY:
        availability, activity = _ACTIVITY_IN_AVAILABILITY[base]
        told = _activity(raw_activity, detail)
        is_detail = told is not None and told.value not in _BASE_ACTIVITIES
        return availability, told if is_detail else activity
    return _availability(raw_availability, base), _activity(raw_activity, detail)


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
