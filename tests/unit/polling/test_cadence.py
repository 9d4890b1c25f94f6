from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.models import PollingSettings
from bridge.contract.hours import parse_hours
from bridge.contract.presence import Activity, Availability, Presence
from bridge.polling.cadence import History, pace

SETTINGS = PollingSettings()
QUARTER_TO = datetime(2026, 11, 23, 10, 12, tzinfo=UTC)
AVAILABLE = (Presence(availability=Availability.AVAILABLE),)
IN_A_CALL = (Presence(availability=Availability.BUSY, activity=Activity.IN_A_CALL),)
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
    assert told(QUARTER_TO, changed_at=ago(500), presences=IN_A_CALL)[0] == SETTINGS.steady


def test_while_somebody_works_the_pace_is_steady() -> None:
    assert told(QUARTER_TO, changed_at=ago(200), presences=AVAILABLE)[0] == SETTINGS.steady


def test_when_nothing_happens_for_long_the_pace_slides_to_the_slowest() -> None:
    delays = [
        told(QUARTER_TO, changed_at=ago(hours * 3600), presences=AVAILABLE)[0]
        for hours in range(1, 14)
    ]
    assert delays[:-1] == sorted(set(delays[:-1]))
    assert delays[-1] == SETTINGS.slowest


def test_while_everybody_is_offline_the_pace_is_the_slowest() -> None:
    evening = QUARTER_TO.replace(hour=20)
    delay, why = told(evening, changed_at=ago(4000, evening), presences=OFFLINE)
    assert (delay, why) == (SETTINGS.slowest, "offline")


@pytest.mark.parametrize(("day", "pace_s"), [(23, SETTINGS.steady), (28, SETTINGS.slowest)])
def test_on_the_morning_of_a_weekday_somebody_may_arrive(day: int, pace_s: float) -> None:
    morning = QUARTER_TO.replace(day=day, hour=8)
    assert told(morning, changed_at=ago(40_000, morning), presences=OFFLINE)[0] == pace_s


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


@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_luck_spreads_the_delays_a_little(luck: float) -> None:
    history = History(changed_at=ago(200), presences=AVAILABLE)
    chosen = pace(history, QUARTER_TO, SETTINGS, random=lambda: luck, zone=UTC)
    assert abs(chosen.delay_s - SETTINGS.steady) == pytest.approx(0.1 * SETTINGS.steady)
