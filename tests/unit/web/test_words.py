from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import Calendar, duration, for_people, headline, presence_words
from tests.fakes.rows import rows
from tests.fakes.web_page import NOON, person, waiting


@rows(
    ("availability", "activity", "words", "kind"),
    [
        ("available", "available", "Available", Kind.AVAILABLE),
        ("available_idle", "available", "Available, idle", Kind.AVAILABLE),
        ("available", "out_of_office", "Out of office", Kind.AVAILABLE),
        ("away", "away", "Away", Kind.AWAY),
        ("be_right_back", "be_right_back", "Be right back", Kind.AWAY),
        ("busy", "busy", "Busy", Kind.BUSY),
        ("busy_idle", "busy", "Busy, idle", Kind.BUSY),
        ("busy", "in_a_meeting", "In a meeting", Kind.BUSY),
        ("busy", "in_a_call", "In a call", Kind.CALL),
        ("busy", "in_a_conference_call", "In a conference call", Kind.CALL),
        ("do_not_disturb", "presenting", "Presenting", Kind.CALL),
        ("do_not_disturb", "do_not_disturb", "Do not disturb", Kind.BUSY),
        ("do_not_disturb", "urgent_interruptions_only", "Urgent interruptions only", Kind.BUSY),
        ("focusing", "focusing", "Focusing", Kind.BUSY),
        ("offline", "offline", "Offline", Kind.OFFLINE),
        ("offline", "off_work", "Off work", Kind.OFFLINE),
    ],
)
def test_presence_has_words_and_a_colour(
    availability: str, activity: str, words: str, kind: Kind
) -> None:
    somebody = person("alice", Availability(availability), Activity(activity))
    assert headline(somebody) == words
    assert somebody.kind is kind


def test_every_word_of_the_contract_can_be_published() -> None:
    for availability in Availability:
        for activity in Activity:
            assert presence_words(Presence(availability, activity))


def test_a_word_that_microsoft_invented_since_is_published_as_it_is() -> None:
    new = Presence(Availability.OTHER, Activity.OTHER, raw_activity="Levitating")
    assert presence_words(new) == "Levitating"
    also_new = Presence(Availability.OTHER, None, raw_availability="Hovering")
    assert presence_words(also_new) == "Hovering"


def test_an_old_presence_is_never_published_as_current() -> None:
    stale = person(fresh=False)
    assert (headline(stale), stale.kind) == ("Unknown", Kind.UNKNOWN)


def test_who_is_not_signed_in_reads_so() -> None:
    assert headline(waiting()) == "Signing in"
    ended = person(fresh=False, sign_in=SignIn(SignInState.EXPIRED))
    assert headline(ended) == "Sign-in has ended"


def test_microsoft_may_not_know() -> None:
    nobody = person("alice", None, None)
    assert (headline(nobody), nobody.kind) == ("Unknown", Kind.UNKNOWN)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 min"), (59, "0 min"), (1500, "25 min"), (3600, "1 h 00 min"), (7_530, "2 h 05 min")],
)
def test_durations_are_hours_and_minutes(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_times_are_read_on_the_clock_of_the_zone() -> None:
    calendar = Calendar.at(NOON, ZoneInfo("Europe/Berlin"))
    assert calendar.clock(NOON) == "13:00"
    assert calendar.clock(NOON - timedelta(days=1)) == "Sun 13:00"
    assert calendar.clock(NOON - timedelta(days=20)) == "3 Nov 13:00"


def test_the_day_of_the_zone_counts() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    berlin, london = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
    assert Calendar.at(late, berlin) != Calendar.at(NOON, berlin)
    assert Calendar.at(late, london) == Calendar.at(NOON, london)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "broker b:1883: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
            "broker b:1883: it speaks no TLS there: is the port right?",
        ),
        (
            "b: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: x (_ssl.c:1006)",
            "b: certificate verify failed: x",
        ),
        (
            "cannot be reached: [Errno 111] Connection refused.",
            "cannot be reached: Connection refused.",
        ),
        (
            "Microsoft cannot be reached: ClientError: no route",
            "Microsoft cannot be reached: no route",
        ),
        ("The tenant does not exist. Check it.", "The tenant does not exist. Check it."),
    ],
)
def test_a_refusal_is_reported_without_the_words_of_libraries(text: str, told: str) -> None:
    assert for_people(text) == told
