from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import START
from tests.fakes.microsoft.presence import (
    OFFLINE,
    Facts,
    Location,
    Preferred,
    State,
    StatusMessage,
    graph_presence,
)
from tests.fakes.microsoft.wording import Layout, Wording, reworded
from tests.fakes.rows import rows

CALL = State("Busy", "InACall")


def resource(facts: Facts, *, own: bool = True, wording: Wording | None = None) -> dict[str, Any]:
    told = graph_presence("oid", facts, sequence_number="A1", own=own)
    return wording(facts, told) if wording else told


@rows(
    ("classic", "recent"),
    [
        (State("Available", "Available"), State("available", "available")),
        (CALL, State("inACall", "busy")),
        (State("Busy", "InAConferenceCall"), State("inACall", "busy")),
        (State("Busy", "InAMeeting"), State("inAMeeting", "busy")),
        (State("DoNotDisturb", "Presenting"), State("presenting", "doNotDisturb")),
        (State("DoNotDisturb", "Focusing"), State("focusing", "doNotDisturb")),
        (State("AvailableIdle", "Inactive"), State("available", "available")),
        (State("Offline", "OffWork"), State("offline", "offline")),
        (State("Available", "OutOfOffice"), State("available", "outOfOffice")),
    ],
)
def test_the_recent_layout_moves_what_one_does_to_the_availability(
    classic: State, recent: State
) -> None:
    assert reworded(classic, Layout.RECENT) == recent
    assert reworded(classic, Layout.CLASSIC) == classic


def test_a_preferred_state_stands_before_the_session_until_it_expires() -> None:
    busy = Preferred(State("Busy", "Busy"), expires=START + timedelta(hours=1))
    facts = Facts(preferred=busy)

    assert facts.at(START).shown == busy.state
    assert facts.at(START + timedelta(hours=1)).shown == State()


def test_a_preferred_state_without_a_session_shows_offline() -> None:
    busy = Preferred(State("Busy", "Busy"), expires=START + timedelta(hours=1))

    assert Facts(session=OFFLINE, preferred=busy).shown == OFFLINE


def test_all_of_the_resource_is_there_even_when_little_is_known() -> None:
    assert resource(Facts()) == {
        "id": "oid",
        "availability": "Available",
        "activity": "Available",
        "statusMessage": None,
        "outOfOfficeSettings": {"isOutOfOffice": False, "message": None},
        "workLocation": {"workLocationType": "unspecified", "source": "none", "placeId": None},
        "sequenceNumber": "A1",
    }


def test_the_times_of_a_status_message_are_for_its_owner_only() -> None:
    facts = Facts(status=StatusMessage("Writing", START, expires=START + timedelta(hours=1)))

    assert resource(facts)["statusMessage"] == {
        "message": {"content": "Writing", "contentType": "text"},
        "publishedDateTime": "2026-11-23T09:00:00.0000000Z",
        "expiryDateTime": {"dateTime": "2026-11-23T10:00:00.0000000", "timeZone": "UTC"},
    }
    assert resource(facts, own=False)["statusMessage"] == {
        "message": {"content": "Writing", "contentType": "text"}
    }


def test_the_end_of_a_message_is_given_in_a_zone_of_windows() -> None:
    facts = Facts(status=StatusMessage("Writing", START, expires=START + timedelta(hours=1)))
    told = resource(facts, wording=Wording(zone="W. Europe Standard Time"))
    assert told["statusMessage"]["expiryDateTime"] == {
        "dateTime": "2026-11-23T11:00:00.0000000",
        "timeZone": "W. Europe Standard Time",
    }


@pytest.mark.parametrize("availability", ["InACall", "Busy", "Focusing", "Offline", "InAHuddle"])
def test_any_availability_stands_beside_any_activity(availability: str) -> None:
    for activity in ("OutOfOffice", "DoNotDisturb", "Available"):
        facts = Facts(session=State(availability, activity))
        for layout, words in (
            (Layout.CLASSIC, (availability, activity)),
            (Layout.RECENT, tuple(w[0].lower() + w[1:] for w in (availability, activity))),
        ):
            told = resource(facts, wording=Wording(layout))
            assert (told["availability"], told["activity"]) == words


def test_an_out_of_office_is_the_activity_of_the_recent_layout() -> None:
    told = resource(Facts(session=CALL, out_of_office=True), wording=Wording(Layout.RECENT))
    assert (told["availability"], told["activity"]) == ("inACall", "outOfOffice")


@pytest.mark.parametrize("layout", list(Layout))
def test_words_can_be_null(layout: Layout) -> None:
    told = resource(Facts(session=State("", "")), wording=Wording(layout))
    assert (told["availability"], told["activity"]) == (None, None)


def test_where_somebody_works_is_what_they_said_else_what_the_calendar_says() -> None:
    by_calendar = Facts(work_location="office")
    assert by_calendar.location == Location("office", "scheduled")
    by_hand = Facts(work_location="office", manual_location=Location("remote", "manual"))
    assert by_hand.location == Location("remote", "manual")


def test_an_expired_status_message_is_gone() -> None:
    facts = Facts(status=StatusMessage("Writing", START, expires=START + timedelta(hours=1)))

    assert facts.at(START + timedelta(minutes=59)).status
    assert facts.at(START + timedelta(hours=1)).status is None


def test_the_small_schema_has_states_and_status_only() -> None:
    wording = Wording(small_schema=True)

    assert set(resource(Facts(out_of_office=True), wording=wording)) == {
        "id",
        "availability",
        "activity",
        "statusMessage",
    }
