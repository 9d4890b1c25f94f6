import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.account import AccountFacts
from bridge.contract.errors import ContractError
from bridge.contract.presence import (
    Activity,
    Availability,
    Presence,
    WorkLocation,
    WorkLocationSource,
)
from bridge.contract.wire import (
    STATUS_LIMIT,
    AccountState,
    decode,
    decode_json,
    encode_account_state,
    encode_json,
)
from tests.fakes.rows import rows

NINE = datetime(2026, 11, 23, 9, 0, 5, 999_999, tzinfo=timezone(timedelta(hours=1)))
KEYS = {
    "availability",
    "activity",
    "busy",
    "in_call",
    "in_meeting",
    "out_of_office",
    "work_location",
    "work_location_source",
    "status_message",
    "changed_at",
    "polled_at",
    "valid_until",
    "epoch",
    "table",
}
NOT_FOR_LAMPS = {"work_location", "work_location_source"}
TIMES = st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda t: t.replace(microsecond=0))
PRESENCES = st.builds(
    Presence,
    availability=st.none() | st.sampled_from(Availability),
    activity=st.none() | st.sampled_from(Activity),
    out_of_office=st.none() | st.booleans(),
    status_message=st.none() | st.text(min_size=1, max_size=STATUS_LIMIT),
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def state(presence: Presence | None, at: datetime | None = None) -> dict[str, Any]:
    facts = AccountFacts(
        "alice", "Alice", presence=presence, changed_at=at, polled_at=at, valid_until=at
    )
    return decode_json(encode_account_state(facts))


def test_an_account_of_which_nothing_is_known_has_every_key_and_no_value() -> None:
    assert state(None) == dict.fromkeys(KEYS)


def test_a_call_is_written_as_the_contract_says() -> None:
    call = Presence(
        Availability.BUSY,
        Activity.IN_A_CALL,
        status_message="back at 3",
        work_location=WorkLocation.OFFICE,
        work_location_source=WorkLocationSource.MANUAL,
    )
    assert state(call, NINE) == {
        "availability": "busy",
        "activity": "in_a_call",
        "busy": "ON",
        "in_call": "ON",
        "in_meeting": "OFF",
        "out_of_office": None,
        "status_message": "back at 3",
        "work_location": "office",
        "work_location_source": "manual",
        "changed_at": "2026-11-23T09:00:05+01:00",
        "polled_at": "2026-11-23T09:00:05+01:00",
        "valid_until": "2026-11-23T09:00:05+01:00",
        "epoch": None,
        "table": None,
    }


def test_a_moment_keeps_the_offset_it_has_also_where_the_same_moment_has_another() -> None:
    in_utc = NINE.astimezone(UTC)
    assert in_utc == NINE
    for _ in range(2):
        assert state(None, in_utc)["changed_at"] == "2026-11-23T08:00:05+00:00"
        assert state(None, NINE)["changed_at"] == "2026-11-23T09:00:05+01:00"
        assert decode_json(encode_json({"at": in_utc}))["at"] == "2026-11-23T08:00:05+00:00"
        assert decode_json(encode_json({"at": NINE}))["at"] == "2026-11-23T09:00:05+01:00"


@given(st.lists(PRESENCES, min_size=2, max_size=4), st.permutations([None, NINE]))
def test_what_is_remembered_of_one_never_stands_in_the_state_of_another(
    presences: list[Presence], moments: list[datetime | None]
) -> None:
    for presence in (*presences, *presences):
        for at in moments:
            told = state(presence, at)
            assert told["availability"] == presence.availability
            assert told["activity"] == presence.activity
            assert (
                told["out_of_office"]
                == {None: None, True: "ON", False: "OFF"}[presence.out_of_office]
            )
            assert (told["changed_at"] is None) == (at is None)


def test_what_microsoft_does_not_know_is_null_and_not_off() -> None:
    unknown = state(Presence())
    assert (unknown["busy"], unknown["in_call"], unknown["in_meeting"]) == (None, None, None)
    assert (unknown["out_of_office"], unknown["work_location"]) == (None, None)
    assert state(Presence(out_of_office=False))["out_of_office"] == "OFF"


@pytest.mark.parametrize(
    ("message", "published"),
    [("", None), ("x" * 255, "x" * 255), ("x" * 300, "x" * 255), ("🏠" * 300, "🏠" * 255)],
)
def test_a_status_message_is_cut_to_what_home_assistant_can_hold(
    message: str, published: str | None
) -> None:
    assert state(Presence(status_message=message))["status_message"] == published


def test_half_an_emoji_from_microsoft_can_still_be_published() -> None:
    assert state(Presence(status_message="lunch \ud83c"))["status_message"] == "lunch ?"


@given(PRESENCES, TIMES, TIMES)
def test_a_driver_reads_back_what_the_bridge_wrote(
    presence: Presence, changed_at: datetime | None, valid_until: datetime | None
) -> None:
    facts = AccountFacts(
        "alice", "Alice", presence=presence, changed_at=changed_at, valid_until=valid_until
    )
    assert decode(AccountState, encode_account_state(facts)) == AccountState(
        availability=presence.availability,
        activity=presence.activity,
        busy=presence.busy,
        in_call=presence.in_call,
        in_meeting=presence.in_meeting,
        out_of_office=presence.out_of_office,
        status_message=presence.status_message,
        changed_at=changed_at,
        polled_at=None,
        valid_until=valid_until,
    )


def test_a_newer_bridge_may_add_keys() -> None:
    newer = encode_json({**state(Presence(Availability.AWAY)), "mood": "good"})
    assert decode(AccountState, newer).availability is Availability.AWAY


@rows("missing", sorted(KEYS - {"epoch", "table", *NOT_FOR_LAMPS}))
def test_a_state_without_one_of_its_keys_is_refused_by_name(missing: str) -> None:
    short = {key: value for key, value in state(None).items() if key != missing}
    with pytest.raises(ContractError, match=f"not a AccountState: {missing}"):
        decode(AccountState, encode_json(short))


@given(JSON_VALUES, st.permutations(["a", "b", "c"]))
def test_equal_content_is_equal_bytes(value: Any, order: list[str]) -> None:
    reordered = dict.fromkeys(order, value)
    encoded = encode_json(reordered)
    assert encoded == encode_json({"a": value, "b": value, "c": value})
    assert decode_json(encoded) == reordered
    assert json.loads(encoded.decode("utf-8")) == reordered


def test_what_has_no_place_in_a_payload_is_a_mistake_in_the_code() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        encode_json({"a": {1, 2}})


@rows(
    "payload",
    [
        b"",
        b"online",
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b'{"a":',
        b'{"a":1}x',
        b"\xff\xfe",
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_object_in_utf_8_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError, match=r"^not "):
        decode_json(payload)
    with pytest.raises(ContractError, match=r"^not a AccountState: "):
        decode(AccountState, payload)


@given(st.binary())
def test_bytes_from_strangers_are_read_or_refused_and_nothing_else(payload: bytes) -> None:
    for read in (decode_json, lambda p: decode(AccountState, p)):
        with suppress(ContractError):
            read(payload)


def test_a_refusal_reveals_no_payload() -> None:
    with pytest.raises(ContractError) as refused:
        decode(AccountState, encode_json({**state(None), "availability": "my secret"}))
    assert "my secret" not in str(refused.value)
    assert "availability" in str(refused.value)
