import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import SourceDataError
from bridge.contract.presence import Activity, Availability
from bridge.microsoft.presence import parse_presence

A, B = Availability, Activity

PAIRS = [
    ("Available", "Available", A.AVAILABLE, B.AVAILABLE),
    ("available", "available", A.AVAILABLE, B.AVAILABLE),
    ("AvailableIdle", "Inactive", A.AVAILABLE_IDLE, B.INACTIVE),
    ("AvailableIdle", "AvailableInactive", A.AVAILABLE_IDLE, B.INACTIVE),
    ("Busy", "InACall", A.BUSY, B.IN_A_CALL),
    ("InACall", "Busy", A.BUSY, B.IN_A_CALL),
    ("inACall", "busy", A.BUSY, B.IN_A_CALL),
    ("InAMeeting", "Busy", A.BUSY, B.IN_A_MEETING),
    ("Busy", "InAConferenceCall", A.BUSY, B.IN_A_CONFERENCE_CALL),
    ("BusyIdle", "BusyIdle", A.BUSY_IDLE, B.INACTIVE),
    ("DoNotDisturb", "Presenting", A.DO_NOT_DISTURB, B.PRESENTING),
    ("Presenting", "DoNotDisturb", A.DO_NOT_DISTURB, B.PRESENTING),
    ("Focusing", "DoNotDisturb", A.FOCUSING, B.FOCUSING),
    ("DoNotDisturb", "UrgentInterruptionsOnly", A.DO_NOT_DISTURB, B.URGENT_INTERRUPTIONS_ONLY),
    ("BeRightBack", "BeRightBack", A.BE_RIGHT_BACK, B.BE_RIGHT_BACK),
    ("Offline", "OffWork", A.OFFLINE, B.OFF_WORK),
    ("PresenceUnknown", "PresenceUnknown", None, None),
    ("Levitating", "Juggling", A.OTHER, B.OTHER),
    ("inACall", "outOfOffice", A.BUSY, B.IN_A_CALL),
    ("inAMeeting", "outOfOffice", A.BUSY, B.IN_A_MEETING),
    ("focusing", "outOfOffice", A.FOCUSING, B.FOCUSING),
    ("InACall", "Juggling", A.BUSY, B.IN_A_CALL),
    ("outOfOffice", "InACall", A.BUSY, B.IN_A_CALL),
    ("outOfOffice", "away", A.AWAY, B.AWAY),
    ("OutOfOffice", "OutOfOffice", None, B.OUT_OF_OFFICE),
    ("", "", None, None),
]


def resource(availability: object, activity: object, **more: object) -> dict[str, object]:
    return {"id": "x", "availability": availability, "activity": activity, **more}


@pytest.mark.parametrize(("base", "detail", "availability", "activity"), PAIRS)
def test_both_layouts_and_any_casing_are_understood(
    base: str, detail: str, availability: Availability | None, activity: Activity | None
) -> None:
    presence = parse_presence(resource(base, detail))
    assert (presence.availability, presence.activity) == (availability, activity)
    assert (presence.raw_availability, presence.raw_activity) == (base, detail)


@pytest.mark.parametrize(
    "nothing", [resource(None, None), {"id": "x"}, {"availability": None, "activity": None}]
)
def test_words_that_are_null_or_missing_are_unknown(nothing: dict[str, object]) -> None:
    presence = parse_presence(nothing)
    assert (presence.availability, presence.activity, presence.busy) == (None, None, None)


def test_nothing_follows_from_a_word_that_is_new() -> None:
    presence = parse_presence(resource("InAHuddle", "InAHuddle"))
    assert (presence.availability, presence.activity) == (A.OTHER, B.OTHER)
    assert (presence.busy, presence.in_call, presence.in_meeting) == (None, None, None)


def test_an_out_of_office_hides_no_call() -> None:
    settings = {"isOutOfOffice": True}
    presence = parse_presence(resource("inACall", "outOfOffice", outOfOfficeSettings=settings))
    assert (presence.in_call, presence.out_of_office) == (True, True)
    presence = parse_presence(resource("outOfOffice", "InACall"))
    assert (presence.in_call, presence.out_of_office) == (True, True)


def test_a_new_word_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(3):
        parse_presence(resource("Hibernating", "Available"))
    assert caplog.text.count("Hibernating") == 1


def test_everything_beside_the_state_is_read() -> None:
    presence = parse_presence(
        resource(
            "Available",
            "OutOfOffice",
            outOfOfficeSettings={"isOutOfOffice": True, "message": "back on Monday"},
            statusMessage={"message": {"content": " lunch ", "contentType": "text"}},
            workLocation={"workLocationType": "remote"},
            sequenceNumber="A01",
        )
    )
    assert presence.out_of_office
    assert presence.status_message == "lunch"
    assert presence.out_of_office_message == "back on Monday"
    assert (presence.work_location, presence.sequence_number) == ("remote", "A01")


@pytest.mark.parametrize(
    "wrong", [None, 7, [], "Busy", {}, {"error": {}}, resource(7, "Busy"), resource("A", [])]
)
def test_what_is_no_presence_is_refused(wrong: object) -> None:
    with pytest.raises(SourceDataError):
        parse_presence(wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
KEYS = ["outOfOfficeSettings", "statusMessage", "workLocation", "sequenceNumber", "id"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.text(max_size=20), st.text(max_size=20))
def test_no_optional_part_can_break_the_reading(
    more: dict[str, object], availability: str, activity: str
) -> None:
    presence = parse_presence(resource(availability, activity) | more)
    assert presence.raw_availability == more.get("availability", availability)
