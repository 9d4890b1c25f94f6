from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.tables.config import PollingSettings
from bridge.contract.hours import parse_hours
from bridge.contract.presence import Activity, Availability, Presence
from bridge.polling.cadence import History, pace

SETTINGS = PollingSettings()
QUARTER_TO = datetime(2026, 11, 23, 10, 12, tzinfo=UTC)
AVAILABLE = (Presence(availability=Availability.AVAILABLE),)
IN_A_CALL = (Presence(availability=Availability.BUSY, activity=Activity.IN_A_CALL),)
AWAY = (Presence(availability=Availability.AWAY),)
OFFLINE = (Presence(availability=Availability.OFFLINE),)


def half() -> float:
    return 0.5


def told(now: datetime, **history: object) -> tuple[float, str]:
    chosen = pace(History(**history), now, SETTINGS, random=half, zone=UTC)  # type: ignore[arg-type]
    return chosen.delay_s, chosen.why


def ago(seconds: float, now: datetime = QUARTER_TO) -> datetime:
    return now - timedelta(seconds=seconds)


def test_just_after_a_change_the_pace_is_the_fastest() -> None:
    delay, why = told(QUARTER_TO, changed_at=ago(1), presences=AVAILABLE)
    assert delay < SETTINGS.steady
    assert why == "just changed"


def test_where_meetings_start_the_pace_is_fast() -> None:
    on_the_hour = QUARTER_TO.replace(minute=0, second=30)
    delay, why = told(on_the_hour, changed_at=ago(900, on_the_hour), presences=AVAILABLE)
    assert delay < SETTINGS.steady
    assert why == "a meeting may start or end"


def test_early_in_a_call_the_pace_is_fast_since_most_calls_are_short() -> None:
    early, why = told(QUARTER_TO, changed_at=ago(200), presences=IN_A_CALL)
    assert early < SETTINGS.steady
    assert why == "a call may end"
    assert told(QUARTER_TO, changed_at=ago(500), presences=IN_A_CALL)[0] > SETTINGS.steady


def test_while_somebody_works_the_pace_is_steady() -> None:
    assert told(QUARTER_TO, changed_at=ago(200), presences=AVAILABLE)[0] == SETTINGS.steady


def test_when_nothing_happens_for_long_the_pace_slides_to_the_slowest() -> None:
    hours = (0.5, 1, 1.5, 2, 3, 4, 12)
    paces = [told(QUARTER_TO, changed_at=ago(h * 3600), presences=AVAILABLE) for h in hours]
    delays = [delay for delay, _ in paces]
    assert delays[:-1] == sorted(set(delays[:-1]))
    assert delays[-2:] == [SETTINGS.slowest] * 2
    assert {why for _, why in paces[1:]} == {"nothing changes for long"}


@pytest.mark.parametrize(("hours", "most"), [(1, 600), (2, 350), (4, 150)])
def test_who_is_available_for_long_costs_few_requests_an_hour(hours: int, most: int) -> None:
    changed_at, now, requests = ago(hours * 3600), QUARTER_TO, 0
    while now < QUARTER_TO + timedelta(hours=1):
        now += timedelta(seconds=told(now, changed_at=changed_at, presences=AVAILABLE)[0])
        requests += 1
    assert requests < most


def test_before_meetings_end_the_pace_is_fast_for_who_is_in_one() -> None:
    soon = QUARTER_TO.replace(minute=26)
    in_a_call, _ = told(soon, changed_at=ago(1500, soon), presences=IN_A_CALL)
    available, _ = told(soon, changed_at=ago(1500, soon), presences=AVAILABLE)
    assert in_a_call == SETTINGS.fastest
    assert available == SETTINGS.steady


def test_among_many_the_likeliest_change_decides() -> None:
    alone = told(QUARTER_TO, changed_at=ago(200), presences=IN_A_CALL)
    assert told(QUARTER_TO, changed_at=ago(200), presences=OFFLINE * 9 + IN_A_CALL) == alone


def test_the_bounds_are_reached_however_far_they_are_from_steady() -> None:
    wide = PollingSettings(fastest=2, steady=60, slowest=900)
    for seconds, bound_s in ((30, 2), (200, 60), (90_000, 900)):
        history = History(changed_at=ago(seconds), presences=AVAILABLE)
        chosen = pace(history, QUARTER_TO, wide, random=half, zone=UTC)
        assert chosen.delay_s == pytest.approx(bound_s)


def test_while_everybody_is_offline_the_pace_is_the_slowest() -> None:
    evening = QUARTER_TO.replace(hour=20)
    delay, why = told(evening, changed_at=ago(4000, evening), presences=OFFLINE)
    assert (delay, why) == (SETTINGS.slowest, "offline")


@pytest.mark.parametrize(("day", "why"), [(23, "somebody may arrive"), (28, "offline")])
def test_on_the_morning_of_a_weekday_somebody_may_arrive(day: int, why: str) -> None:
    morning = QUARTER_TO.replace(day=day, hour=8)
    delay_s, told_why = told(morning, changed_at=ago(40_000, morning), presences=OFFLINE)
    assert told_why == why
    assert (delay_s < 1.5 * SETTINGS.steady) == (why != "offline")


@pytest.mark.parametrize("days", [0, 1, 2])
@pytest.mark.parametrize("presences", [OFFLINE, AWAY])
def test_who_left_may_arrive_at_the_time_their_days_begin(
    days: int, presences: tuple[Presence, ...]
) -> None:
    evening = QUARTER_TO.replace(hour=21)  # a night shift: nobody's morning
    left = evening - timedelta(days=days, hours=16)
    delay_s, why = told(evening, changed_at=left, presences=presences)
    assert delay_s < 1.5 * SETTINGS.steady
    assert why == "somebody may arrive"
    earlier = evening - timedelta(hours=8)
    assert told(earlier, changed_at=left, presences=presences)[0] > 2 * SETTINGS.steady


def test_who_went_offline_a_moment_ago_may_come_back() -> None:
    evening = QUARTER_TO.replace(hour=20)
    delay_s, why = told(evening, changed_at=ago(300, evening), presences=OFFLINE)
    assert delay_s < 1.5 * SETTINGS.steady
    assert why == "somebody may come back"


def test_outside_of_the_accounts_hours_the_pace_is_the_slowest() -> None:
    chosen = pace(
        History(changed_at=ago(1), presences=AVAILABLE),
        QUARTER_TO,
        SETTINGS,
        random=half,
        hours=parse_hours("sat", "08:00-18:00"),
        zone=UTC,
    )
    assert chosen.delay_s == SETTINGS.slowest


MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis wants bare bounds
    datetime(2027, 12, 31),  # noqa: DTZ001 - hypothesis wants bare bounds
    timezones=st.just(UTC),
)
HISTORIES = st.builds(
    History,
    changed_at=st.none() | MOMENTS,
    presences=st.lists(
        st.builds(Presence, availability=st.none() | st.sampled_from(Availability)), max_size=3
    ).map(tuple),
)


@given(HISTORIES, MOMENTS, st.floats(0, 1))
def test_without_failures_the_pace_never_leaves_its_bounds(
    history: History, now: datetime, luck: float
) -> None:
    chosen = pace(history, now, SETTINGS, random=lambda: luck, zone=UTC)
    assert SETTINGS.fastest <= chosen.delay_s <= SETTINGS.slowest
    assert chosen.why


@given(st.floats(120, 40_000), st.floats(120, 40_000), st.sampled_from([AVAILABLE, IN_A_CALL]))
def test_the_longer_nothing_changes_the_slower_the_pace(
    one_s: float, other_s: float, presences: tuple[Presence, ...]
) -> None:
    sooner, later = sorted((one_s, other_s))
    delays = [told(QUARTER_TO, changed_at=ago(s), presences=presences)[0] for s in (sooner, later)]
    assert delays == sorted(delays)


@given(HISTORIES, MOMENTS, st.lists(st.floats(1, 900), min_size=3, max_size=3).map(sorted))
def test_a_slower_setting_never_makes_the_pace_faster(
    history: History, now: datetime, bounds: list[float]
) -> None:
    one = PollingSettings(fastest=bounds[0], steady=bounds[1], slowest=bounds[2])
    slower = PollingSettings(fastest=bounds[1], steady=bounds[2], slowest=900)
    delays = [pace(history, now, s, random=half, zone=UTC).delay_s for s in (one, slower)]
    assert delays[0] <= delays[1] * (1 + 1e-9)


@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_luck_spreads_the_delays_a_little(luck: float) -> None:
    history = History(changed_at=ago(200), presences=AVAILABLE)
    chosen = pace(history, QUARTER_TO, SETTINGS, random=lambda: luck, zone=UTC)
    assert abs(chosen.delay_s - SETTINGS.steady) == pytest.approx(0.1 * SETTINGS.steady)
