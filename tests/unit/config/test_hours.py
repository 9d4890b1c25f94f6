"""Hours of an account: one table as before, or a list of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import check, from_environment
from bridge.config.tables.config import Config
from bridge.config.tables.hours import hours_of
from bridge.contract.errors import ConfigError
from tests.fakes.rows import rows

SPANS = [
    {"days": ["mon", "wed"], "hours": ["08:00-12:00", "13:00-17:00"]},
    {"days": "fri", "hours": "22:00-02:00"},
]


def config(hours: Any, environ: dict[str, str] | None = None) -> Config:
    table = {"tenant": "contoso.com", "client_id": "11111111-2222-3333-4444-555555555555"}
    accounts = {"alice": {} if hours is None else {"hours": hours}}
    return check({"microsoft": table, "accounts": accounts}, folder=Path(), environ=environ or {})


@pytest.mark.parametrize(
    ("day", "hour", "inside"),
    [(23, 9, True), (23, 12, False), (24, 9, False), (25, 16, True), (28, 1, True), (29, 1, False)],
)
def test_a_list_holds_while_one_of_it_does(day: int, hour: int, *, inside: bool) -> None:
    hours = hours_of(config(SPANS).accounts["alice"].hours)
    assert hours.contain(datetime(2026, 11, day, hour, 30, tzinfo=UTC), UTC) is inside


def test_one_table_is_read_as_before_and_none_is_none() -> None:
    (table,) = config({"days": "mon-fri", "hours": "07:00-19:00"}).accounts["alice"].hours
    assert table.parsed().contain(datetime(2026, 11, 23, 8, tzinfo=UTC), UTC)
    assert config(None).accounts["alice"].hours == ()


@rows(
    ("hours", "told"),
    [
        ([], "accounts.alice.hours: is empty and would never apply: write hours, or remove it"),
        ({"days": "mon-fry"}, "accounts.alice.hours: days 'mon-fry': write them as mon-fri"),
        ([{}, {"hours": "8-18"}], "accounts.alice.hours.1: hours '8-18': write them as 08:00"),
        ({"day": "mon"}, "accounts.alice.hours.day: unknown; did you mean days?"),
        ({"days_off": ["24.12."]}, "accounts.alice.hours: days_off '24.12.': write them as 2026-"),
        ({"days_off": 24}, "accounts.alice.hours.days_off: must be dates such as"),
        ("08:00-18:00", "accounts.alice.hours: must be a table"),
        (["08:00-18:00"], "accounts.alice.hours.0: must be a table"),
    ],
)
def test_what_cannot_hold_is_refused_with_its_key(hours: Any, told: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        config(hours)
    assert any(line.startswith(told) for line in wrong.value.problems), wrong.value.problems


def test_the_environment_may_hold_a_list_too() -> None:

    environ = {
        "PRESENCE_MICROSOFT__TENANT": "contoso.com",
        "PRESENCE_MICROSOFT__CLIENT_ID": "11111111-2222-3333-4444-555555555555",
        "PRESENCE_ACCOUNTS__ALICE__HOURS": json.dumps(SPANS),
    }
    assert len(from_environment(Path(), environ).accounts["alice"].hours) == 2


@pytest.mark.parametrize(
    "days_off", [date(2026, 11, 23), [date(2026, 11, 23)], "2026-11-23", ["2026-11-20/2026-11-23"]]
)
def test_days_off_are_dates_of_toml_or_text(days_off: Any) -> None:
    (table,) = config({"days": "mon-fri", "days_off": days_off}).accounts["alice"].hours
    assert not table.parsed().contain(datetime(2026, 11, 23, 8, tzinfo=UTC), UTC)
    assert table.parsed().contain(datetime(2026, 11, 24, 8, tzinfo=UTC), UTC)
