"""Lines of a hub's event stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hue.events import ANYTHING, changed_by


def line(*parts: object, kind: str = "update") -> bytes:
    return b"data: " + json.dumps([{"type": kind, "data": parts}]).encode() + b"\n"


@pytest.mark.parametrize("other", [b": hi\n", b"\n", b"id: 1732694400:0\n", b"event: x\n"])
def test_a_line_without_data_is_about_nothing(other: bytes) -> None:
    assert changed_by(other) == set()


def test_lights_and_groups_have_the_numbers_of_v1() -> None:
    parts = [
        {"type": "light", "id": "6f2b", "id_v1": "/lights/3", "on": {"on": True}},
        {"type": "grouped_light", "id": "77aa", "id_v1": "/groups/1"},
        {"type": "temperature", "id": "90cc"},
    ]
    assert changed_by(line(*parts)) == {"/lights/3", "/groups/1"}


@pytest.mark.parametrize("kind", ["add", "delete", "error"])
def test_what_comes_or_goes_may_concern_every_group(kind: str) -> None:
    assert changed_by(line({"type": "light", "id_v1": "/lights/9"}, kind=kind)) == {ANYTHING}


@given(st.binary())
def test_what_cannot_be_read_may_be_about_anything(rest: bytes) -> None:
    assert changed_by(b"data:" + rest) in (set(), {ANYTHING})


@pytest.mark.parametrize("data", ["[1]", "{}", '[{"type": "update"}]', '[{"data": [1]}]', "7"])
def test_json_of_another_shape_breaks_nothing(data: str) -> None:
    assert changed_by(f"data: {data}".encode()) <= {ANYTHING}
