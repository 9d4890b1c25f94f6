from datetime import UTC, datetime, timedelta

import pytest

from bridge.polling.freshness import Freshness, valid_until

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(("next_poll_s", "lasts_s"), [(2, 300), (100, 300), (200, 600)])
def test_presence_is_current_for_three_polls_and_five_minutes(
    next_poll_s: float, lasts_s: float
) -> None:
    assert valid_until(NOW, next_poll_s) == at(lasts_s)


def test_who_is_missing_keeps_the_times_of_the_last_poll_that_had_them() -> None:
    freshness = Freshness()
    freshness.polled({"ann", "bob"}, set(), NOW)
    freshness.valid_until = at(300)
    assert freshness.polled({"ann"}, {"bob"}, at(200)) == []
    freshness.valid_until = at(500)
    assert freshness.times_of("ann") == (at(200), at(500))
    assert freshness.times_of("bob") == (NOW, at(300))
    assert freshness.next_end(at(200)) == at(300)
    assert list(freshness.ended(at(300))) == ["bob"]
    assert freshness.polled({"ann", "bob"}, set(), at(400)) == ["bob"]
    assert freshness.times_of("bob") == (at(400), at(500))


def test_a_clock_that_is_set_back_takes_the_times_along() -> None:
    freshness = Freshness()
    freshness.polled({"ann"}, set(), NOW)
    freshness.valid_until = at(300)
    assert freshness.follow_the_clock(at(-3600)) == timedelta(hours=1)
    assert freshness.times_of("ann") == (at(-3600), at(-3300))
    assert freshness.follow_the_clock(at(-3590)) is None
