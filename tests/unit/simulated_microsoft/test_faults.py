from __future__ import annotations

import json

import pytest

from tests.fakes.microsoft.faults import OVERSIZED, Fault, Faults, Nonsense, matches, nonsense_body

ALICE = ("0f8fad5b", "alice@contoso.com")


@pytest.fixture
def faults() -> Faults:
    return Faults()


def test_a_fault_meets_as_many_requests_as_it_says(faults: Faults) -> None:
    fault = Fault("me.presence", status=503, times=2)
    faults.add(fault)

    assert [faults.take("me.presence", ()) for _ in range(3)] == [fault, fault, None]
    assert faults.waiting == []


def test_a_fault_without_a_number_stays_until_cleared(faults: Faults) -> None:
    faults.add(Fault("me.presence", status=503, times=None))

    assert all(faults.take("me.presence", ()) for _ in range(100))
    faults.clear()
    assert faults.take("me.presence", ()) is None


def test_faults_wait_in_line_and_each_request_meets_one(faults: Faults) -> None:
    first, second = Fault("*", status=500), Fault("me.presence", status=503)
    faults.add(first, second)

    assert faults.take("me.presence", ()) is first
    assert faults.take("me", ()) is None
    assert faults.take("me.presence", ()) is second


def test_a_fault_for_one_person_leaves_the_others_alone(faults: Faults) -> None:
    fault = Fault("me.presence", status=503, person="Alice@contoso.com")
    faults.add(fault)

    assert faults.take("me.presence", ("1", "bob@contoso.com")) is None
    assert faults.take("me.presence", ()) is None
    assert faults.take("me.presence", ALICE) is fault


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("me.presence", "me.presence", "me"),
        ("token.*", "token.refresh_token", "devicecode"),
        ("identity", "discovery", "me"),
        ("graph", "me", "token.device_code"),
        ("*", "presences", None),
    ],
)
def test_endpoints_are_meant_by_name_by_pattern_and_by_group(
    pattern: str, meant: str, not_meant: str | None
) -> None:
    assert matches(pattern, meant)
    assert not_meant is None or not matches(pattern, not_meant)


def test_a_fault_that_no_request_could_meet_is_refused(faults: Faults) -> None:
    with pytest.raises(ValueError, match=r"me\.presense.*me\.presence"):
        faults.add(Fault("me.presense", status=503))


def test_a_delay_or_a_cut_alone_leaves_the_true_answer() -> None:
    assert not Fault("me", delay_s=5).answers
    assert Fault("me", status=200).answers
    assert Fault("me", body=b"").answers


@pytest.mark.parametrize("kind", Nonsense)
def test_nonsense_is_no_presence(kind: Nonsense) -> None:
    body, content_type = nonsense_body(kind)

    try:
        value = json.loads(body)
    except ValueError:
        value = None
    assert not isinstance(value, dict) or not isinstance(value.get("availability"), str)
    assert (content_type == "text/html") == (kind is Nonsense.HTML)
    assert (len(body) > OVERSIZED) == (kind is Nonsense.OVERSIZED)
