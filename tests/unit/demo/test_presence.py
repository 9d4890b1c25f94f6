from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridge.demo.presence import (
    OFFLINE,
    Facts,
    Layout,
    Preferred,
    State,
    StatusMessage,
    Wording,
    graph_presence,
    reworded,
)
from tests.fakes.clock import START

CALL = State("Busy", "InACall")


def resource(facts: Facts, *, own: bool = True, wording: Wording | None = None) -> dict[str, Any]:
    return graph_presence("oid", facts, sequence_number="A1", own=own, wording=wording or Wording())


@pytest.mark.parametrize(
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
        "workLocation": None,
        "sequenceNumber": "A1",
    }


def test_the_times_of_a_status_message_are_for_its_owner_only() -> None:
    facts = Facts(status=StatusMessage("Writing", START, expires=START + timedelta(hours=1)))

    assert resource(facts)["statusMessage"] == {
        "message": {"content": "Writing", "contentType": "text"},
        "publishedDateTime": "2026-11-23T09:00:00+00:00",
        "expiryDateTime": {"dateTime": "2026-11-23T10:00:00", "timeZone": "UTC"},
    }
    assert resource(facts, own=False)["statusMessage"] == {
        "message": {"content": "Writing", "contentType": "text"}
    }


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
