from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.retry import full_jitter, retry_after_s
from tests.fakes.clock import ManualClock


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_wait_never_leaves_its_bounds(attempt: int, luck: float) -> None:
    wait = full_jitter(attempt, first_s=1, most_s=60, random=lambda: luck)
    assert 0.1 <= wait <= min(60, 2.0 ** min(attempt, 6)) or wait == 0.1


def asked(header: str | None, *, date: str | None = None) -> float | None:
    said = {"Retry-After": header, "Date": date}
    headers = {name: text for name, text in said.items() if text is not None}
    return retry_after_s(headers, ManualClock())


@pytest.mark.parametrize(
    ("header", "wait"),
    [("10", 10), (" 315 ", 315), ("0", 0), ("3601", 3600), ("9" * 400, 3600)],
)
def test_seconds_are_read_and_an_hour_is_the_most(header: str, wait: float) -> None:
    assert asked(header) == wait


def later(seconds: float) -> str:
    return format_datetime(ManualClock().now() + timedelta(seconds=seconds), usegmt=True)


def test_an_http_date_is_read_and_the_past_is_now() -> None:
    assert asked(later(90)) == 90
    assert asked(format_datetime(datetime(2001, 1, 1, tzinfo=UTC))) == 0
    assert asked("Mon Nov 23 09:01:30 2026") == 90, "the oldest form"
    assert asked(later(1e9)) == 3600


@pytest.mark.parametrize("off_s", [-600, 600])
def test_a_date_counts_from_that_of_the_answer_and_not_from_a_wrong_clock(off_s: float) -> None:
    assert asked(later(off_s + 90), date=later(off_s)) == 90
    assert asked("90", date=later(off_s)) == 90
    assert asked(later(90), date="soon") == 90


@pytest.mark.parametrize(
    "header", ["Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "-5", "1e99"]
)
def test_an_overflowing_date_or_number_ends_nothing(header: str) -> None:
    for wait in (asked(header), asked("60", date=header), asked(later(60), date=header)):
        assert wait is None or 0 <= wait <= 3600


@given(st.one_of(st.none(), st.text(max_size=80)), st.text(max_size=40))
def test_nonsense_never_raises(header: str | None, date: str) -> None:
    wait = asked(header, date=date)
    assert wait is None or wait >= 0
