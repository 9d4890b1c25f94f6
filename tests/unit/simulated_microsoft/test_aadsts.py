from __future__ import annotations

import pytest

from tests.fakes.clock import START
from tests.fakes.microsoft.aadsts import KINDS, Refusal, refusal, refusal_without_number


def body(refused: Refusal) -> dict[str, object]:
    return refused.body(now=START, trace_id="t-1", correlation_id="c-1")


def test_a_refusal_is_worded_as_entra_words_it() -> None:
    assert body(refusal(65001, client_id="x", app="Bridge")) == {
        "error": "invalid_grant",
        "error_description": "AADSTS65001: The user or administrator has not consented to use the "
        "application with ID 'x' named 'Bridge'. Send an interactive authorization request for "
        "this user and resource. Trace ID: t-1 Correlation ID: c-1 "
        "Timestamp: 2026-11-23 09:00:00Z",
        "error_codes": [65001],
        "timestamp": "2026-11-23 09:00:00Z",
        "trace_id": "t-1",
        "correlation_id": "c-1",
        "error_uri": "https://login.microsoftonline.com/error?code=65001",
        "suberror": "consent_required",
    }


def test_every_number_can_be_said_without_knowing_its_details(subtests: pytest.Subtests) -> None:
    for code in KINDS:
        with subtests.test(code=code):
            said = body(refusal(code))

            assert f"AADSTS{code}: " in str(said["error_description"])
            assert "{" not in str(said["error_description"])
            assert said["error_codes"] == [code]


def test_a_number_nobody_knows_is_an_invalid_grant() -> None:
    assert body(refusal(123456))["error"] == "invalid_grant"


def test_a_refusal_may_have_no_number() -> None:
    said = body(refusal_without_number("slow_down", "Too fast."))

    assert said["error"] == "slow_down"
    assert said["error_codes"] == []
    assert "AADSTS" not in str(said["error_description"])
