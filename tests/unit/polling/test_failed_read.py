import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.tables.config import PollingSettings
from bridge.polling.failed_read import Backoff

SETTINGS = PollingSettings()


def waits(seconds: float, *, reached: bool, luck: float = 1.0) -> list[tuple[float, float]]:
    """The waits of so many seconds of trouble, each with its moment."""
    now_s, backoff, all_of_them = 0.0, Backoff(), []
    while now_s < seconds:
        backoff = backoff.failed(now_s, reached=reached)
        wait = backoff.wait_s(now_s, SETTINGS, random=lambda: luck)
        all_of_them.append((now_s, wait))
        now_s += wait
    return all_of_them


@pytest.mark.parametrize("reached", [True, False])
def test_the_first_tries_are_quick(reached: bool) -> None:  # noqa: FBT001 - a case
    assert [wait for _, wait in waits(40, reached=reached)] == [2, 4, 8, 16, 30]


def test_what_never_reached_microsoft_never_waits_longer_than_the_slowest_pace() -> None:
    assert max(wait for _, wait in waits(86_400, reached=False)) == SETTINGS.slowest


def test_a_microsoft_that_goes_on_failing_is_given_time_after_ten_minutes() -> None:
    told = waits(20_000, reached=True)
    assert max(wait for at_s, wait in told if at_s <= 600) == SETTINGS.slowest
    later = [wait for at_s, wait in told if at_s > 600]
    assert later == sorted(later)
    assert later[-1] == 300


def test_ten_minutes_without_network_are_none_of_a_failing_microsoft() -> None:
    backoff = Backoff()
    for minute in range(20):
        backoff = backoff.failed(minute * 60.0, reached=False)
    backoff = backoff.failed(1200.0, reached=True)
    assert backoff.wait_s(1200.0, SETTINGS, random=lambda: 1.0) == SETTINGS.slowest


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e6), st.floats(0, 1))
def test_a_wait_never_leaves_its_bounds(failures: int, since_s: float | None, luck: float) -> None:
    wait = Backoff(failures, since_s).wait_s(1e6, SETTINGS, random=lambda: luck)
    assert SETTINGS.fastest <= wait <= 300


def test_a_slowest_pace_above_the_patience_is_kept() -> None:
    slow = PollingSettings(slowest=900)
    assert Backoff(50, 0.0).wait_s(1e6, slow, random=lambda: 1.0) == 900


def test_a_refusal_is_doubted_once_and_then_believed_for_longer_and_longer() -> None:
    backoff, told = Backoff(), []
    for _ in range(7):
        backoff = backoff.refused()
        told.append(backoff.refused_wait_s)
    assert told == [5, 30, 60, 120, 240, 300, 300]
