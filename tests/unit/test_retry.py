from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.retry import full_jitter, retry_after_s
from tests.fakes.clock import ManualClock


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_wait_never_leaves_its_bounds(attempt: int, luck: float) -> None:
    wait = full_jitter(attempt, first_s=1, most_s=60, random=lambda: luck)
    assert 0.1 <= wait <= min(60, 2.0 ** min(attempt, 6)) or wait == 0.1


@pytest.mark.parametrize(("header", "wait"), [("10", 10), (" 315 ", 315), ("0", 0)])
def test_seconds_are_read(header: str, wait: float) -> None:
    assert retry_after_s(header, ManualClock()) == wait


def test_an_http_date_is_read_and_the_past_is_now() -> None:
    clock = ManualClock()
    later = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    assert retry_after_s(later, clock) == pytest.approx(90, abs=1)
    assert retry_after_s(format_datetime(datetime(2001, 1, 1, tzinfo=UTC)), clock) == 0


@given(st.one_of(st.none(), st.text(max_size=80)))
def test_nonsense_never_raises(header: str | None) -> None:
    wait = retry_after_s(header, ManualClock())
    assert wait is None or wait >= 0
