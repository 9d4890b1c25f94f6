from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.api import HubRefusedError, Refusal, checked, meaning

DONE = {"success": {"/lights/1/state/on": True}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["error", "success", "type"]), inner)
    ),
)


def refusal(kind: int, text: str = "words") -> dict[str, Any]:
    return {"error": {"type": kind, "address": "/", "description": text}}


def test_a_good_reply_is_handed_on() -> None:
    assert checked([DONE]) == [DONE]
    assert checked({}) == {}


def test_a_refusal_is_found_wherever_it_stands() -> None:
    with pytest.raises(HubRefusedError, match="first; second") as caught:
        checked([DONE, refusal(201, "first"), DONE, refusal(7, "second")])
    assert caught.value.types == {201, 7}


@given(JSON)
def test_anything_else_is_no_reply(reply: Any) -> None:
    try:
        assert checked(reply) is reply
    except (HubRefusedError, ValueError):
        assert not isinstance(reply, dict)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (1, LightRefusedError),
        (3, LightUnreachableError),
        (7, LightRefusedError),
        (201, LightUnreachableError),
        (901, LightUnreachableError),
    ],
)
def test_each_refusal_says_who_must_act(kind: int, error: type[Exception]) -> None:
    told = meaning(HubRefusedError([Refusal(type=kind, description="words")]), name="desk")
    assert type(told) is error
    assert (kind == 1) is ("presence-driver pair desk" in str(told))
