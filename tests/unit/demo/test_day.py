from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.demo.day import NOTICED_S, PAUSE_S, Moment, compressed, play, working_day
from bridge.demo.person import Person
from tests.fakes.clock import ManualClock

HOUR_S = 3600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@given(seed=st.integers())
def test_a_day_is_in_order_and_every_moment_is_a_change(seed: int) -> None:
    day = working_day(Random(seed))

    assert day[0].at_s == 0
    assert day[-1].at_s < 24 * HOUR_S
    for earlier, later in pairwise(day):
        assert earlier.at_s < later.at_s
        assert (earlier.availability, earlier.activity) != (later.availability, later.activity)


@given(seed=st.integers())
def test_a_day_has_all_that_people_want_to_see(seed: int) -> None:
    activities = {moment.activity for moment in working_day(Random(seed))}

    assert activities >= {
        "Offline",
        "Available",
        "InAMeeting",
        "InAConferenceCall",
        "InACall",
        "Presenting",
        "DoNotDisturb",
        "BeRightBack",
        "Away",
        "OutOfOffice",
        "OffWork",
    }


@given(seed=st.integers())
def test_meetings_start_within_two_minutes_of_the_full_or_half_hour(seed: int) -> None:
    for moment in working_day(Random(seed)):
        if moment.activity == "InAMeeting":
            assert moment.at_s % (HOUR_S / 2) <= 120


def test_another_seed_is_another_day_and_the_same_seed_is_the_same() -> None:
    assert working_day(Random(1)) == working_day(Random(1))
    assert working_day(Random(1)) != working_day(Random(2))


@given(seed=st.integers(), lasts_s=st.floats(min_value=1, max_value=1e5))
def test_a_compressed_day_keeps_its_order_leaves_out_the_night_and_ends_in_time(
    seed: int, lasts_s: float
) -> None:
    day = working_day(Random(seed))
    story = compressed(day, lasts_s)

    assert [moment.activity for moment in story] == [moment.activity for moment in day[1:]]
    assert story[0].at_s == 0
    assert all(earlier.at_s < later.at_s for earlier, later in pairwise(story))
    assert story[-1].at_s < lasts_s


async def test_playing_changes_the_presence_at_each_moment_and_starts_over(
    clock: ManualClock,
) -> None:
    day = [
        Moment(0, "Offline", "Offline"),
        Moment(100, "Available", "Available"),
        Moment(200, "Busy", "InACall", "On the phone"),
    ]
    alice = Person()
    life = asyncio.create_task(play(alice, day, compress_to_s=60, clock=clock))
    seen = []
    for _ in range(4):
        await clock.advance(0)
        seen.append((alice.facts.activity, alice.facts.status_message))
        await clock.advance(30)
    life.cancel()

    assert seen == [
        ("Available", ""),
        ("InACall", "On the phone"),
        ("Available", ""),
        ("InACall", "On the phone"),
    ]
    with pytest.raises(asyncio.CancelledError):
        await life


async def test_what_somebody_changes_by_hand_stays_a_minute_and_then_the_day_goes_on(
    clock: ManualClock,
) -> None:
    day = [
        Moment(0, "Offline", "Offline"),
        Moment(100, "Available", "Available"),
        Moment(200, "Busy", "InACall"),
    ]
    alice, said = Person(), list[str]()
    life = asyncio.create_task(play(alice, day, compress_to_s=8, clock=clock, says=said.append))
    await clock.advance(1)
    alice.change(availability="Available", activity="Available")  # as it is: it is to stay so
    await clock.advance(NOTICED_S)
    assert said == ["Alice was changed by hand: the day waits 60 s."]
    await clock.advance(PAUSE_S - 1)
    assert alice.facts.activity == "Available"
    alice.change(availability="DoNotDisturb", activity="Presenting")
    await clock.advance(PAUSE_S)
    assert alice.facts.activity == "Presenting"

    await clock.advance(NOTICED_S)
    assert alice.facts.activity == "InACall"
    assert said[1:] == [said[0], "The day goes on."]
    await clock.advance(4)
    assert alice.facts.activity == "Available"
    assert len(said) == 3
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life
