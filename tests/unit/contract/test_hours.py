import time as time_module
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.hours import Span, WeeklyHours, parse_dates, parse_days, parse_hours
from tests.fakes.rows import rows

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        BERLIN,
        ZoneInfo("America/New_York"),
        ZoneInfo("Australia/Lord_Howe"),  # half an hour of daylight saving
        ZoneInfo("Pacific/Apia"),  # 30 December 2011 never was
        ZoneInfo("UTC"),
    ]
)
MONDAY = date(2026, 11, 23)
WORK = parse_hours("mon-fri", "08:00-18:00")
NIGHT = parse_hours("fri", "22:00-06:00")
TIMES = st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0))
DATES = st.dates(date(2010, 1, 1), date(2030, 1, 1))
SPANS = st.builds(
    Span, st.frozensets(st.integers(0, 6)), TIMES, TIMES, st.frozensets(DATES, max_size=3)
)
HOURS = st.builds(WeeklyHours, st.lists(SPANS, max_size=3).map(tuple))
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def at(text: str, *, days: int = 0) -> datetime:
    """``text`` o'clock in Berlin, ``days`` after a Monday."""
    day = MONDAY + timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(text), BERLIN)


@pytest.mark.parametrize(
    ("text", "days", "inside"),
    [
        ("07:59:59", 0, False),
        ("08:00", 0, True),
        ("17:59:59", 4, True),
        ("18:00", 4, False),
        ("12:00", 5, False),
        ("12:00", 6, False),
    ],
)
def test_hours_hold_their_start_and_not_their_end(text: str, days: int, *, inside: bool) -> None:
    assert WORK.contain(at(text, days=days), BERLIN) is inside


@pytest.mark.parametrize(
    ("text", "days", "inside"),
    [
        ("21:59", 4, False),
        ("22:00", 4, True),
        ("00:00", 5, True),
        ("05:59", 5, True),
        ("06:00", 5, False),
        ("22:00", 5, False),
        ("05:59", 4, False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(
    text: str, days: int, *, inside: bool
) -> None:
    assert NIGHT.contain(at(text, days=days), BERLIN) is inside


def test_hours_to_midnight_end_with_the_day() -> None:
    evening = parse_hours("mon", "18:00-24:00")
    assert evening.contain(at("23:59:59"), BERLIN)
    assert not evening.contain(at("00:00", days=1), BERLIN)
    assert not evening.contain(at("00:00"), BERLIN)


@given(MOMENTS, ZONES)
def test_a_whole_day_is_every_minute_of_its_days(moment: datetime, zone: ZoneInfo) -> None:
    always = parse_hours("all", "00:00-24:00")
    monday = parse_hours("mon", "00:00-24:00")
    assert always.contain(moment, zone)
    assert monday.contain(moment, zone) is (moment.astimezone(zone).weekday() == 0)


def test_hours_follow_the_wall_clock_through_daylight_saving() -> None:
    winter, summer = (
        datetime(2026, 3, 27, 7, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 6, 30, tzinfo=UTC),
    )
    assert WORK.contain(winter, BERLIN)
    assert not WORK.contain(winter - timedelta(hours=1), BERLIN)
    assert WORK.contain(summer, BERLIN)
    assert not WORK.contain(summer - timedelta(hours=1), BERLIN)


def test_without_a_zone_the_machines_own_wall_clock_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "Asia/Tokyo")
        time_module.tzset()
        inside = WORK.contain(datetime(2026, 11, 22, 23, 0, tzinfo=UTC), None)
        outside = WORK.contain(datetime(2026, 11, 23, 9, 0, tzinfo=UTC), None)
    time_module.tzset()
    assert (inside, outside) == (True, False)


def test_the_hour_that_summer_skips_is_in_nobodys_hours() -> None:
    skipped = parse_hours("sun", "02:00-03:00")
    night = datetime(2026, 3, 29, tzinfo=UTC)
    minutes = [night + timedelta(minutes=minute) for minute in range(180)]
    assert not any(skipped.contain(minute, BERLIN) for minute in minutes)


def test_the_hour_that_winter_repeats_counts_twice() -> None:
    repeated = parse_hours("sun", "02:00-03:00")
    night = datetime(2026, 10, 25, tzinfo=UTC)
    minutes = [night + timedelta(minutes=minute) for minute in range(180)]
    assert sum(repeated.contain(minute, BERLIN) for minute in minutes) == 120


@given(HOURS, MOMENTS, ZONES)
def test_only_the_wall_clock_of_the_zone_decides(
    hours: WeeklyHours, moment: datetime, zone: ZoneInfo
) -> None:
    wall = moment.astimezone(zone)
    same_wall_in_utc = wall.replace(tzinfo=UTC, fold=0)
    assert hours.contain(moment, zone) is hours.contain(same_wall_in_utc, UTC)
    assert hours.contain(moment, zone) is hours.contain(wall.astimezone(BERLIN), zone)


@given(SPANS.filter(lambda span: span.start != span.end), MOMENTS)
def test_the_two_halves_of_a_day_never_overlap_and_leave_nothing_out(
    span: Span, moment: datetime
) -> None:
    every_day = WeeklyHours((Span(frozenset(range(7)), span.start, span.end),))
    rest = WeeklyHours((Span(frozenset(range(7)), span.end, span.start),))
    assert (every_day + rest).contain(moment, UTC)
    assert every_day.contain(moment, UTC) is not rest.contain(moment, UTC)


@given(SPANS, st.integers(0, 6))
def test_a_span_lasts_as_long_as_its_times_say_on_a_day_without_change(
    span: Span, day: int
) -> None:
    start = datetime.combine(MONDAY + timedelta(days=day), span.start, UTC)
    lasts = (_minutes(span.end) - _minutes(span.start)) % 1440 or 1440
    one_day = WeeklyHours((Span(frozenset({day}), span.start, span.end),))
    edges = [-1, 0, lasts - 1, lasts]
    inside = [one_day.contain(start + timedelta(minutes=minute), UTC) for minute in edges]
    assert inside == [False, True, True, False]


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


@rows(
    ("text", "days"),
    [
        ("all", set(range(7))),
        (" ALL ", set(range(7))),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat,sun", {5, 6}),
        ("fri-mon", {4, 5, 6, 0}),
        ("Mon , wed - thu", {0, 2, 3}),
        ("tue", {1}),
        ("mon-mon", {0}),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon,,tue", "1-5", "mon-fri-sun", "-fri"])
def test_days_that_mean_nothing_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write them as mon-fri, sat,sun or all"):
        parse_days(text)


@pytest.mark.parametrize(
    "text", ["", "8:00-18:00", "08:00", "08:00-18:60", "25:00-26:00", "08.00-18.00", "08:00-18:00x"]
)
def test_hours_that_mean_nothing_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write them as 08:00-18:00"):
        parse_hours("all", text)


@pytest.mark.parametrize("text", ["24:00-06:00", "08:00-24:30", "24:00-24:00"])
def test_24_can_only_end_a_day(text: str) -> None:
    with pytest.raises(ValueError, match="24:00 can only end a day"):
        parse_hours("all", text)


@given(TIMES, TIMES)
def test_hours_are_read_back_as_they_were_written(start: time, end: time) -> None:
    span = Span(frozenset(range(7)), start, end)
    assert parse_hours("all", f"{start:%H:%M}-{end:%H:%M}") == WeeklyHours((span,))


@pytest.mark.parametrize(
    ("days", "hours"),
    [
        (["mon", "wed"], ["08:00-12:00", "13:00-17:00"]),
        ("mon,wed", "08:00-12:00, 13:00-17:00"),
        (["mon,wed"], ("08:00-12:00,13:00-17:00",)),
    ],
)
def test_several_days_and_hours_are_a_list_or_have_commas_between(days: str, hours: str) -> None:
    several = parse_hours(days, hours)
    for text, day, inside in (
        ("08:00", 0, True),
        ("12:30", 0, False),
        ("16:59", 2, True),
        ("10:00", 1, False),
        ("17:00", 2, False),
    ):
        assert several.contain(at(text, days=day), BERLIN) is inside


def test_hours_over_midnight_stand_beside_others() -> None:
    shifts = parse_hours("fri", "22:00-06:00") + parse_hours(["sat", "sun"], "10:00-12:00")
    for text, day, inside in (
        ("21:59", 4, False),
        ("23:00", 4, True),
        ("05:59", 5, True),
        ("06:00", 5, False),
        ("11:00", 5, True),
        ("05:00", 6, False),
    ):
        assert shifts.contain(at(text, days=day), BERLIN) is inside


@pytest.mark.parametrize(("days", "hours"), [([], "08:00-18:00"), ("mon", [])])
def test_a_list_of_nothing_is_refused_with_the_cure(days: str, hours: str) -> None:
    with pytest.raises(ValueError, match=r"= \[\] never applies: name some, or remove it for all"):
        parse_hours(days, hours)


def test_hours_do_not_begin_on_a_day_off_and_those_of_the_night_before_end_as_ever() -> None:
    work = parse_hours("mon-fri", "08:00-18:00", ["2026-11-24", "2026-11-26/2026-11-27"])
    inside = [work.contain(at("12:00", days=day), BERLIN) for day in range(5)]
    assert inside == [True, False, True, False, False]
    night = parse_hours("all", "22:00-06:00", ["2026-11-24"])
    moments = [("23:00", 0), ("05:00", 1), ("23:00", 1), ("05:00", 2), ("23:00", 2)]
    inside = [night.contain(at(text, days=day), BERLIN) for text, day in moments]
    assert inside == [True, True, False, False, True]


@given(MOMENTS, ZONES)
def test_a_day_off_is_whole_and_no_more_in_each_zone_and_when_clocks_change(
    moment: datetime, zone: ZoneInfo
) -> None:
    day = moment.astimezone(zone).date()
    begins = datetime.combine(day, time(0), zone)
    work = parse_hours("all", "00:00-24:00", [f"{day}/{day}"])
    assert not work.contain(moment, zone)
    assert not work.contain(begins, zone)
    assert work.contain(begins.astimezone(UTC) - timedelta(minutes=1), zone)
    after = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    assert work.contain(after, zone)


def test_days_off_are_a_list_or_have_commas_between() -> None:
    days = parse_hours("all", "00:00-24:00", ["2026-11-24, 2026-11-26/2026-11-27", "2026-11-28"])
    inside = [days.contain(at("12:00", days=day), BERLIN) for day in range(6)]
    assert inside == [True, False, True, False, False, False]


def test_a_day_off_is_one_where_the_lamp_is() -> None:
    work = parse_hours("all", "00:00-24:00", ["2026-11-24"])
    moment = datetime(2026, 11, 24, 4, tzinfo=UTC)
    assert not work.contain(moment, BERLIN)
    assert work.contain(moment, ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    "text", ["24.12.2026", "2026-13-01", "2026-12-24/", "2026-12-24/2026-12-23", "/2026-12-24"]
)
def test_what_is_no_date_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="days_off '"):
        parse_dates(text)


def test_no_more_than_a_year_is_off_at_once() -> None:
    assert len(parse_dates("2026-01-01/2026-12-31")) == 365
    with pytest.raises(ValueError, match="within a year"):
        parse_dates("2026-01-01/9999-01-01")
