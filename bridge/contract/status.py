"""What a person does now, in one word and in words that a family reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from bridge.contract.account import NEEDS_SIGN_IN, AccountFacts, SignInState
from bridge.contract.presence import Activity, Availability, Presence


class Status(StrEnum):
    """The strongest of what is true of a person, or why nobody can say it."""

    PRESENTING = "presenting"
    IN_A_CALL = "in_a_call"
    IN_A_MEETING = "in_a_meeting"
    OUT_OF_OFFICE = "out_of_office"
    DO_NOT_DISTURB = "do_not_disturb"
    FOCUSING = "focusing"
    BUSY = "busy"
    AVAILABLE = "available"
    BE_RIGHT_BACK = "be_right_back"
    AWAY = "away"
    OFFLINE = "offline"
    UNNAMED = "unnamed"
    """Microsoft says nothing, or a word that it invented since."""
    NOT_READ = "not_read"
    """Nothing was read since the start."""
    TOO_OLD = "too_old"
    SIGN_IN_NEEDED = "sign_in_needed"
    REFUSED = "refused"
    """A person must act, and a sign-in alone does not help."""
    STOPPED = "stopped"
    """The bridge ended in order."""


TEXTS: Mapping[Status, str] = {
    Status.PRESENTING: "Presenting",
    Status.IN_A_CALL: "In a call",
    Status.IN_A_MEETING: "In a meeting",
    Status.OUT_OF_OFFICE: "Out of office",
    Status.DO_NOT_DISTURB: "Do not disturb",
    Status.FOCUSING: "Focusing",
    Status.BUSY: "Busy",
    Status.AVAILABLE: "Available",
    Status.BE_RIGHT_BACK: "Be right back",
    Status.AWAY: "Away",
    Status.OFFLINE: "Offline",
    Status.UNNAMED: "Not known: Microsoft does not say",
    Status.NOT_READ: "Not read yet",
    Status.TOO_OLD: "Not known: no news",
    Status.SIGN_IN_NEEDED: "Sign-in needed",
    Status.REFUSED: "Not known: see Sign-in",
    Status.STOPPED: "Not known: the bridge is stopped",
}
"""*since* and a time follow where there is one."""

_BEFORE_OUT_OF_OFFICE = {
    Activity.PRESENTING: Status.PRESENTING,
    Activity.IN_A_CALL: Status.IN_A_CALL,
    Activity.IN_A_CONFERENCE_CALL: Status.IN_A_CALL,
    Activity.IN_A_MEETING: Status.IN_A_MEETING,
}
_BY_AVAILABILITY = {
    Availability.AVAILABLE: Status.AVAILABLE,
    Availability.AVAILABLE_IDLE: Status.AVAILABLE,
    Availability.AWAY: Status.AWAY,
    Availability.BE_RIGHT_BACK: Status.BE_RIGHT_BACK,
    Availability.BUSY: Status.BUSY,
    Availability.BUSY_IDLE: Status.BUSY,
    Availability.DO_NOT_DISTURB: Status.DO_NOT_DISTURB,
    Availability.FOCUSING: Status.FOCUSING,
    Availability.OFFLINE: Status.OFFLINE,
}


def status_of(presence: Presence) -> Status:
    """What ``presence`` means: an out-of-office hides no call and no meeting."""
    if presence.activity in _BEFORE_OUT_OF_OFFICE:
        return _BEFORE_OUT_OF_OFFICE[presence.activity]
    if presence.out_of_office or presence.activity is Activity.OUT_OF_OFFICE:
        return Status.OUT_OF_OFFICE
    if presence.availability is None:
        return Status.UNNAMED
    return _BY_AVAILABILITY.get(presence.availability, Status.UNNAMED)


def shown_status(facts: AccountFacts) -> tuple[Status, datetime | None]:
    """The status of ``facts``, and since when, where that is seen."""
    if facts.sign_in.state in NEEDS_SIGN_IN:
        return Status.SIGN_IN_NEEDED, None
    if facts.sign_in.state is SignInState.ERROR:
        return Status.REFUSED, None
    if facts.presence is None:
        return Status.NOT_READ, None
    if not facts.fresh:
        return Status.TOO_OLD, facts.polled_at
    return status_of(facts.presence), facts.since
