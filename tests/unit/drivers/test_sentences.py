"""Whatever somebody writes into the table of a lamp, the answer is a sentence about a key of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.config.loader import check
from bridge.contract.errors import ConfigError
from drivers.registry import find, installed
from drivers.settings import Common, read
from tests.fakes.rows import rows
from tests.fakes.wrong_values import JARGON, VALUES, keys_of, table_with

OPTIONS = {kind: find(kind).options for kind in installed()}
KEYS = [
    *(("console", key) for key in dict.fromkeys(keys_of(Common)) if key != ("kind",)),
    *((kind, key) for kind, own in OPTIONS.items() for key in dict.fromkeys(keys_of(own))),
]


def answers(kind: str, table: dict[str, Any]) -> list[str]:
    whole = {"drivers": {"desk": {"kind": kind, **table}}}
    config = check(whole, folder=Path("/nowhere"), environ={})
    try:
        read(config, "desk", OPTIONS[kind])
    except ConfigError as error:
        return error.problems
    return []


@rows(("kind", "key"), KEYS)
def test_a_wrong_value_is_answered_in_words(kind: str, key: tuple[str, ...]) -> None:
    for value in VALUES:
        told = answers(kind, table_with(key, value))
        assert [answer for answer in told if JARGON.search(answer)] == []
        assert [answer for answer in told if not answer.startswith("drivers.desk")] == []


def test_kinds_of_values_that_a_key_can_have_are_one_answer() -> None:
    told = answers("console", {"schedule": {"outside": "dark"}})
    assert told == [
        "drivers.desk.schedule.outside: must be 'off', 'keep' or 'give_back', or must be a table"
    ]
