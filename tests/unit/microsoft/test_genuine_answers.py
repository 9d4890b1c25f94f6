"""Which answers are Microsoft's, whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.microsoft.http import HttpResponse
from bridge.microsoft.sign_in.genuine_answers import Purpose, fields_of, is_good, is_refusal
from bridge.microsoft.sign_in.remedies import explain
from tests.fakes.rows import rows
from tests.fakes.scripted_http import DISCOVERY, answered

TOKENS = {"access_token": "at", "expires_in": 3600, "refresh_token": "rt"}
CODE = {"device_code": "d", "user_code": "u", "verification_uri": "https://x", "interval": "5"}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
keys = st.sampled_from(
    ["error", "error_description", "access_token", "expires_in", "device_code", "correlation_id"]
)


@pytest.mark.parametrize(
    ("fields", "asked"),
    [(TOKENS, Purpose.TOKENS), (CODE, Purpose.CODE), (DISCOVERY, Purpose.DISCOVERY)],
)
def test_what_was_asked_for_is_good(fields: dict[str, Any], asked: Purpose) -> None:
    assert is_good(answered(fields), asked)
    assert not any(is_good(answered(fields), other) for other in set(Purpose) - {asked})
    assert not is_good(answered(fields, 201), asked)
    assert not is_good(answered(fields | {"expires_in": "soon"}), asked)
    assert not is_good(answered(fields | {"error": "server_error"}), asked)
    assert not is_refusal(answered(fields, 400))


@pytest.mark.parametrize(
    "more", [{"verification_uri": "javascript:alert(1)"}, {"user_code": "A" * 1000}]
)
def test_a_code_that_nobody_should_see_is_none(more: dict[str, Any]) -> None:
    assert not is_good(answered(CODE | more), Purpose.CODE)


def test_of_a_foreign_text_only_a_word_is_shown() -> None:
    why = explain({"error": "x" * 9999, "correlation_id": "c" * 9999})
    assert len(why.line("alice")) < 400


@rows(
    ("fields", "status", "refused"),
    [
        ({"error": "invalid_grant"}, 400, True),
        ({"error": "invalid_client"}, 401, True),
        ({"error": "new_word", "error_description": "AADSTS999999: no"}, 400, True),
        ({"error": "new_word", "correlation_id": "c-1"}, 400, True),
        ({"error": "Bad Request"}, 400, False),
        ({"error": "invalid_grant"}, 404, False),
        ({"error": "new_word", "error_description": "AADSTS999999: no"}, 404, True),
        ({"error": "new_word", "error_codes": [999999]}, 400, True),
        ({"error": "new_word", "error_codes": [999999]}, 503, False),
        ({"error": "invalid_grant"}, 503, False),
        ({"error": {"code": "invalid_grant"}, "correlation_id": "c-1"}, 400, False),
    ],
)
def test_a_refusal_is_in_microsofts_own_words(
    fields: dict[str, Any], status: int, *, refused: bool
) -> None:
    assert is_refusal(answered(fields, status)) is refused


@given(
    st.binary(max_size=40) | st.dictionaries(keys, anything).map(lambda d: json.dumps(d).encode())
)
def test_nothing_at_all_stops_the_check_or_shows_its_insides(body: bytes) -> None:
    for status in (200, 400, 404):
        response = HttpResponse(status, {}, body)
        good = any(is_good(response, expected) for expected in Purpose)
        assert not (good and is_refusal(response))
        assert "{" not in explain({"error": fields_of(response).get("error")}).text or isinstance(
            fields_of(response).get("error"), str
        )
