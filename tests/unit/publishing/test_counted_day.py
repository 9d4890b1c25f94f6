"""What counts as time in a call, whatever clocks, nights and outages do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.publishing.today.counted_day import Count, Day, Moment, begun, moved_on, seeing

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL)
MEETING = Presence(Availability.BUSY, Activity.IN_A_MEETING)
FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE)
UNNAMED = Presence(Availability.OTHER, Activity.OTHER)


class Life:
    """A count with both clocks; ``sees`` is a good read that is current for five minutes."""

    def __init__(self, at: datetime = NINE, zone: ZoneInfo = BERLIN) -> None:
        self.wall, self.monotonic_s, self.zone = at, 100.0, zone
        self.count: Count = begun(self.now, zone)

    @property
    def now(self) -> Moment:
        return Moment(self.wall, self.monotonic_s)

    @property
    def day(self) -> Day:
        return moved_on(self.count, self.now, self.zone).day

    def passes(self, seconds: float, *, set_by_s: float = 0) -> None:
        self.monotonic_s += seconds
        self.wall += timedelta(seconds=seconds + set_by_s)

    def sees(self, presence: Presence | None, *, signed_in: bool = True) -> None:
        facts = AccountFacts(
            "alice",
            "Alice",
            presence=presence,
            valid_until=self.wall + timedelta(minutes=5),
            fresh=signed_in,
            sign_in=SignIn(SignInState.SIGNED_IN if signed_in else SignInState.EXPIRED),
        )
        self.count = seeing(moved_on(self.count, self.now, self.zone), facts)

    def sees_for(self, presence: Presence, seconds: int) -> None:
        for _ in range(0, seconds, 60):
            self.sees(presence)
            self.passes(60)
        self.sees(presence)


def counted(day: Day) -> tuple[int, int, int]:
    return round(day.calls_s), round(day.meetings_s), round(day.unseen_s)


def test_calls_and_meetings_are_counted_apart_and_nothing_else_is() -> None:
    life = Life()
    life.sees_for(CALL, 600)
    life.sees_for(FREE, 300)
    life.sees_for(MEETING, 120)
    assert counted(life.day) == (600, 120, 0)
    assert life.day.since == NINE


def test_a_call_is_counted_no_longer_than_it_was_current() -> None:
    life = Life()
    life.sees(CALL)
    life.passes(3600)
    assert counted(life.day) == (300, 0, 3300)
    life.sees_for(FREE, 60)
    assert counted(life.day) == (300, 0, 3300)


def test_while_signed_out_or_with_a_new_word_nobody_sees_anything() -> None:
    life = Life()
    life.sees(CALL)
    life.passes(60)
    life.sees(CALL, signed_in=False)
    life.passes(600)
    life.sees(UNNAMED)
    life.passes(60)
    life.sees(FREE)
    assert counted(life.day) == (60, 0, 660)


@pytest.mark.parametrize("set_by_s", [-7200, 7200])
def test_a_clock_that_is_set_makes_no_call_longer_or_shorter(set_by_s: float) -> None:
    life = Life()
    life.sees(CALL)
    life.passes(60, set_by_s=set_by_s)
    life.sees(CALL)
    life.passes(60)
    life.sees(FREE)
    assert round(life.day.calls_s) == 120


def test_while_the_machine_slept_nobody_saw_anything() -> None:
    life = Life()
    life.sees(CALL)
    life.passes(10, set_by_s=3600)
    assert counted(life.day) == (10, 0, 3600)


def test_a_new_day_begins_at_midnight_of_the_zone_with_what_came_after_it() -> None:
    life = Life(datetime(2026, 11, 23, 22, 58, tzinfo=UTC))  # 23:58 in Berlin
    life.sees_for(CALL, 180)
    assert life.day == Day(
        datetime(2026, 11, 24, tzinfo=UTC).date(),
        datetime(2026, 11, 23, 23, 0, tzinfo=UTC),
        calls_s=60.0,
    )


@pytest.mark.parametrize(
    ("begins", "hours"),
    [
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 25),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), 23),
    ],
)
def test_the_days_of_summer_time_have_their_own_length(begins: datetime, hours: int) -> None:
    life = Life(begins)
    life.sees_for(CALL, hours * 3600 - 60)
    assert round(life.day.calls_s) == hours * 3600 - 60
    assert life.day.since == begins
    life.sees_for(CALL, 120)
    assert round(life.day.calls_s) == 60


def test_a_clock_that_is_set_back_over_midnight_starts_over() -> None:
    life = Life()
    life.sees_for(CALL, 60)
    life.passes(1, set_by_s=-86_400)
    assert counted(life.day) == (0, 0, 0)
    assert life.day.since == life.wall


def test_a_restart_goes_on_and_says_how_long_nobody_saw_anything() -> None:
    life = Life()
    life.sees_for(CALL, 600)
    stored = (life.day, life.wall)
    again = begun(Moment(life.wall + timedelta(seconds=90), 5.0), BERLIN, stored)
    assert counted(again.day) == (600, 0, 90)
    assert not again.runs
    set_back = begun(Moment(life.wall - timedelta(seconds=90), 5.0), BERLIN, stored)
    assert counted(set_back.day) == (600, 0, 0)
    tomorrow = Moment(life.wall + timedelta(days=1), 5.0)
    assert begun(tomorrow, BERLIN, stored).day == Day(tomorrow.wall.date(), tomorrow.wall)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CALL, MEETING, FREE, UNNAMED, None]),
            st.booleans(),
            st.floats(0, 90_000),
            st.floats(-90_000, 90_000),
        ),
        max_size=30,
    )
)
def test_no_day_counts_more_than_what_passed(
    steps: list[tuple[Presence | None, bool, float, float]],
) -> None:
    life, before = Life(), Life().day
    for presence, signed_in, seconds, set_by_s in steps:
        life.sees(presence, signed_in=signed_in)
        life.passes(seconds, set_by_s=set_by_s)
        day = life.day
        assert min(day.calls_s, day.meetings_s, day.unseen_s) >= 0
        seen_s = day.calls_s + day.meetings_s
        if day.date == before.date:
            grown_s = seen_s - before.calls_s - before.meetings_s
            assert -0.001 <= grown_s <= min(seconds, 300) + 0.001
        else:
            assert seen_s <= min(seconds, 300) + 0.001
        before = day
        life.count = moved_on(life.count, life.now, life.zone)
