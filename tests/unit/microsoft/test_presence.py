import logging
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import SourceDataError
from bridge.contract.presence import Activity, Availability
from bridge.microsoft.presence import parse_presence
from bridge.microsoft.texts import TEXT_BYTES, plain
from tests.fakes.rows import rows

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
    ("inACall", "inAMeeting", A.BUSY, B.IN_A_CALL),
    ("inAMeeting", "inACall", A.BUSY, B.IN_A_CALL),
    ("inACall", "inAConferenceCall", A.BUSY, B.IN_A_CONFERENCE_CALL),
    ("InACall", "Inactive", A.BUSY, B.IN_A_CALL),
    ("INACALL", "OFFWORK", A.BUSY, B.IN_A_CALL),
    ("presenting", "outOfOffice", A.DO_NOT_DISTURB, B.PRESENTING),
    ("DoNotDisturb", "Focusing", A.DO_NOT_DISTURB, B.FOCUSING),
    ("OutOfOffice", "Focusing", A.FOCUSING, B.FOCUSING),
    ("OutOfOffice", None, None, B.OUT_OF_OFFICE),
    ("Offline", "OutOfOffice", A.OFFLINE, B.OUT_OF_OFFICE),
    ("offWork", "offWork", A.OFFLINE, B.OFF_WORK),
    ("UrgentInterruptionsOnly", "Busy", A.DO_NOT_DISTURB, B.URGENT_INTERRUPTIONS_ONLY),
    ("Do not disturb", "do-not-disturb", A.DO_NOT_DISTURB, B.DO_NOT_DISTURB),
    ("Busy", "InAHuddle", A.BUSY, B.OTHER),
    (None, "InACall", None, B.IN_A_CALL),
    ("Busy", None, A.BUSY, None),
]


def resource(availability: object, activity: object, **more: object) -> dict[str, object]:
    return {"id": "x", "availability": availability, "activity": activity, **more}


@rows(("base", "detail", "availability", "activity"), PAIRS)
def test_both_layouts_and_any_casing_are_understood(
    base: str | None,
    detail: str | None,
    availability: Availability | None,
    activity: Activity | None,
) -> None:
    presence = parse_presence(resource(base, detail))
    assert (presence.availability, presence.activity) == (availability, activity)
    assert (presence.raw_availability, presence.raw_activity) == (base or "", detail or "")


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


@pytest.mark.parametrize(
    ("base", "detail"),
    [
        ("InAHuddle", "busy"),
        ("InAHuddle", "outOfOffice"),
        ("busy", "InAHuddle"),
        ("outOfOffice", "InAHuddle"),
        ("PresenceUnknown", "OutOfOffice"),
        (None, "Available"),
    ],
)
def test_one_word_that_is_not_known_leaves_open_what_it_may_mean(
    base: str | None, detail: str
) -> None:
    presence = parse_presence(resource(base, detail))
    assert (presence.in_call, presence.in_meeting) == (None, None)


@pytest.mark.parametrize(
    "settings", [None, {}, [], 7, {"isOutOfOffice": None}, {"isOutOfOffice": "true"}]
)
def test_an_out_of_office_that_is_not_given_is_unknown(settings: object) -> None:
    told = parse_presence(resource("Busy", "Busy", outOfOfficeSettings=settings))
    assert told.out_of_office is None
    assert parse_presence(resource("Busy", "Busy")).out_of_office is None
    by_word = parse_presence(resource("Busy", "OutOfOffice", outOfOfficeSettings=settings))
    assert by_word.out_of_office is True
    no = {"isOutOfOffice": False}
    assert parse_presence(resource("Busy", "Busy", outOfOfficeSettings=no)).out_of_office is False


@rows(
    ("told", "location", "source"),
    [
        (None, None, None),
        ({}, None, None),
        ("office", None, None),
        ({"workLocationType": None, "source": None}, None, None),
        ({"workLocationType": 7, "source": []}, None, None),
        ({"workLocationType": "unspecified", "source": "none"}, "unspecified", "none"),
        ({"workLocationType": "office", "source": "manual"}, "office", "manual"),
        ({"workLocationType": "TimeOff", "source": "Scheduled"}, "time_off", "scheduled"),
        ({"workLocationType": "remote"}, "remote", None),
        ({"workLocationType": "unknownFutureValue", "source": "satellite"}, "other", "other"),
    ],
)
def test_where_somebody_works_and_who_said_so(
    told: object, location: str | None, source: str | None
) -> None:
    presence = parse_presence(resource("Busy", "Busy", workLocation=told))
    assert (presence.work_location, presence.work_location_source) == (location, source)


def test_an_out_of_office_hides_no_call() -> None:
    settings = {"isOutOfOffice": True}
    presence = parse_presence(resource("inACall", "outOfOffice", outOfOfficeSettings=settings))
    assert (presence.in_call, presence.out_of_office) == (True, True)
    presence = parse_presence(resource("outOfOffice", "InACall"))
    assert (presence.in_call, presence.out_of_office) == (True, True)


def test_a_new_word_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
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
            statusMessage={
                "message": {"content": " lunch ", "contentType": "text"},
                "expiryDateTime": {
                    "dateTime": "2026-11-23T13:00:00.0000000",
                    "timeZone": "W. Europe Standard Time",
                },
            },
            workLocation={"workLocationType": "timeOff", "placeId": "place-1"},
            sequenceNumber="A01",
        )
    )
    assert presence.out_of_office
    assert presence.status_message == "lunch"
    assert presence.out_of_office_message == "back on Monday"
    assert presence.status_message_until == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert (presence.raw_work_location, presence.place_id) == ("timeOff", "place-1")
    assert presence.sequence_number == "A01"


def test_every_text_of_microsofts_is_one_clean_line() -> None:
    evil = "\x1b[31ma\u202eb\r\nc\u2028d\0e" + "x" * 10_000
    told = parse_presence(
        resource(
            evil,
            evil,
            outOfOfficeSettings={"message": evil},
            statusMessage={"message": {"content": evil}},
            workLocation={"workLocationType": evil, "placeId": evil, "source": evil},
            sequenceNumber=evil,
        )
    )
    texts = [text for text in asdict(told).values() if isinstance(text, str)]
    assert len(texts) == 11
    assert all(text.isprintable() and len(text.encode()) <= TEXT_BYTES for text in texts)


@rows("wrong", [None, 7, [], "Busy", {}, {"error": {}}, resource(7, "Busy"), resource("A", [])])
def test_what_is_no_presence_is_refused(wrong: object) -> None:
    with pytest.raises(SourceDataError):
        parse_presence(wrong)


CALLS = st.sampled_from(["InACall", "inACall", "INACONFERENCECALL", "Presenting", "in_a_call"])
WORDS = st.none() | st.text(max_size=12) | st.sampled_from([pair[0] for pair in PAIRS])


@given(CALLS, WORDS)
def test_a_call_in_either_word_is_a_call_whatever_the_other_says(call: str, other: str) -> None:
    assert parse_presence(resource(call, other)).in_call is True
    assert parse_presence(resource(other, call)).in_call is True


@given(WORDS, WORDS)
def test_only_two_words_that_are_known_say_that_there_is_no_call(base: str, detail: str) -> None:
    presence = parse_presence(resource(base, detail))
    known = {presence.availability, presence.activity}.isdisjoint({None, A.OTHER, B.OTHER})
    assert known or presence.in_call is not False


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
    assert presence.raw_availability == plain(availability)
