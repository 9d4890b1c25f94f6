import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import AccessRefusedError
from bridge.microsoft.graph_errors import MESSAGE_BYTES, because, reason_of
from bridge.microsoft.http import HttpResponse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "message", "innerError", "innererror"]), inner)
    ),
    max_leaves=8,
)


def answer(error: object, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(403, dict(headers or {}), json.dumps({"error": error}).encode())


def test_the_reason_is_the_code_the_most_specific_one_and_the_message() -> None:
    inner = {"code": "OutOfScope", "innererror": {"code": "NoTeamsLicence", "request-id": "r-1"}}
    reason = reason_of(answer({"code": "Forbidden", "message": "No.", "innerError": inner}))
    assert reason == "Forbidden/NoTeamsLicence: No. (request-id r-1)"


def test_the_id_of_the_header_counts_and_a_code_is_reported_once() -> None:
    error = {"code": "Forbidden", "innerError": {"code": "Forbidden", "request-id": "inner"}}
    assert reason_of(answer(error, {"request-id": "outer"})) == "Forbidden (request-id outer)"


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"error": "text"}', b"[" * 100_000])
def test_an_answer_without_a_reason_says_nothing(body: bytes) -> None:
    assert reason_of(HttpResponse(403, {}, body)) == "no reason"


def test_what_graph_says_is_short_and_clean() -> None:
    evil = "\x1b[31mNo\r\n\u202eERROR " + "x" * 10_000
    reason = reason_of(answer({"code": evil, "message": evil, "innerError": {"request-id": evil}}))
    assert reason.isprintable()
    assert len(reason) < 2 * MESSAGE_BYTES + 100


@given(JSON)
def test_whatever_graph_answers_is_borne(error: object) -> None:
    assert reason_of(answer(error))


def test_an_error_carries_its_reason_and_does_not_show_it() -> None:
    refused = AccessRefusedError("Refused.", remedy="Ask.")
    told = because(refused, answer({"code": "Forbidden"}))
    assert told is refused
    assert (told.reason, str(told)) == ("Forbidden", "Refused. Ask.")
