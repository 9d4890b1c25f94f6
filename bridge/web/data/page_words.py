"""Presence, sign-ins, times and refusals in words. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, overload

from bridge.contract.account import SignInState
from bridge.contract.presence import Activity, Availability, Presence, WorkLocation
from bridge.contract.presence_kind import GENERIC_ACTIVITIES, Kind
from bridge.web.data.snapshot import Person

_NO_TLS = re.compile(r"\[SSL: (?:WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HTTP_REQUEST)\]")
_LIBRARY = re.compile(
    r"\[(?:SSL|Errno)[^\]]*\]|\(_ssl\.c:\d+\)|\b[A-Za-z_]+(?:Error|Exception)\b:?"
)
_AVAILABILITY = {
    Availability.AVAILABLE_IDLE: "Available, idle",
    Availability.BUSY_IDLE: "Busy, idle",
}
KIND_WORDS = {kind: kind.capitalize() for kind in Kind} | {Kind.CALL: "In a call"}
SIGN_IN_WORDS = {
    SignInState.SIGNED_OUT: "Not signed in",
    SignInState.CODE_PENDING: "Signing in",
    SignInState.SIGNED_IN: "Signed in",
    SignInState.EXPIRED: "Sign-in has ended",
    SignInState.ERROR: "Sign-in refused",
}


def headline(person: Person) -> str:
    """The one thing to know about ``person``, in a few words."""
    if person.current:
        return presence_words(person.current)
    sign_in = person.sign_in
    if sign_in.state is SignInState.SIGNED_IN:
        return "Unknown"
    if sign_in.state is SignInState.ERROR and sign_in.who is None:
        return "Unknown"  # our own fault: Microsoft refused nobody
    return SIGN_IN_WORDS[sign_in.state]


def presence_words(presence: Presence) -> str:
    """Presence for people: what somebody does if it says more, else whether they are there."""
    activity, availability = presence.activity, presence.availability
    if activity is Activity.OTHER:
        return presence.raw_activity or "Unknown"
    if activity and activity not in GENERIC_ACTIVITIES:
        return plain(activity)
    if availability is Availability.OTHER:
        return presence.raw_availability or "Unknown"
    if availability is None:
        return "Unknown"
    return _AVAILABILITY.get(availability) or plain(availability)


def place_words(presence: Presence) -> str | None:
    """Where the person works, if anybody said so."""
    location = presence.work_location
    if location is WorkLocation.OTHER:
        return presence.raw_work_location
    return None if location in (None, WorkLocation.UNSPECIFIED) else plain(location)


def plain(word: str) -> str:
    """``do_not_disturb`` as people write it."""
    return word.replace("_", " ").capitalize()


def for_people(text: str) -> str:
    """A refusal without the words of the libraries that found it."""
    if _NO_TLS.search(text):
        text = f"{_NO_TLS.split(text)[0]}it speaks no TLS there: is the port right?"
    return " ".join(_LIBRARY.sub(" ", text).split()).replace(" .", ".").replace(" :", ":")


@overload
def cut(text: str, most: int) -> str: ...
@overload
def cut(text: str | None, most: int) -> str | None: ...
def cut(text: str | None, most: int) -> str | None:
    """``text`` with ``most`` characters at the most."""
    return text if text is None or len(text) <= most else f"{text[: most - 1]}…"


def duration(seconds: float) -> str:
    """Hours and minutes: ``2 h 05 min``, ``25 min``; less than a minute is ``0 min``."""
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


class Calendar(NamedTuple):
    """Where and on which day times are read; a new day makes new words."""

    zone: tzinfo | None
    """``None`` is the machine's own zone."""
    today: date

    @classmethod
    def at(cls, now: datetime, zone: tzinfo | None) -> Calendar:
        """The calendar at ``now``."""
        return cls(zone, now.astimezone(zone).date())

    def midnights(self, days: int) -> list[datetime]:
        """The midnights around the last ``days`` days, today included, oldest first."""
        dates = (self.today + timedelta(days=n) for n in range(1 - days, 2))
        return [datetime.combine(d, time(), tzinfo=self.zone).astimezone(UTC) for d in dates]

    def zone_name(self, moment: datetime) -> str:
        """The zone's name for people at ``moment``: ``CET``."""
        return moment.astimezone(self.zone).tzname() or ""

    def clock(self, moment: datetime) -> str:
        """``10:32`` today, ``Mon 10:32`` within a week, else with the date."""
        local = moment.astimezone(self.zone)
        days = abs((self.today - local.date()).days)
        if not days:
            return f"{local:%H:%M}"
        return f"{local:%a %H:%M}" if days < 7 else f"{local:%-d %b %H:%M}"  # noqa: PLR2004 - a week
