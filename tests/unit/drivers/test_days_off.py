"""Days off as a lamp shows them: nights that began before, clocks that change, other schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.rules import DEFAULT_LOOKS
from tests.unit.drivers.bench import LIGHT, Bench

BERLIN = ZoneInfo("Europe/Berlin")
RED = DEFAULT_LOOKS["in_a_call"].state()
NIGHTS = {"days": "all", "hours": "22:00-06:00"}


async def shown(folder: Path, schedule: Any, *moments: str) -> list[bool]:
    """Whether a lamp of somebody in a call is lit at each of ``moments``, in Berlin.

    Each time it runs from a minute and a half before.
    """
    lit = []
    for moment in moments:
        at = datetime.fromisoformat(moment).replace(tzinfo=BERLIN).astimezone(UTC)
        start = at - timedelta(seconds=90)
        bench = Bench(
            folder / moment, effects=True, schedule=schedule, zone="Europe/Berlin", start=start
        )
        bench.person()
        async with bench.running():
            await bench.clock.advance(90)
            lit.append(bench.light.shows == RED)
    return lit


@pytest.mark.parametrize(
    ("off", "first", "after"),
    [
        ("2026-11-24", "2026-11-24", "2026-11-25"),
        ("2026-03-29", "2026-03-29", "2026-03-30"),
        ("2026-10-25", "2026-10-25", "2026-10-26"),
        ("2026-12-31/2027-01-01", "2026-12-31", "2027-01-02"),
    ],
    ids=["any day", "an hour less", "an hour more", "over the year"],
)
async def test_a_night_that_began_before_ends_as_ever_and_the_next_does_not_begin(
    tmp_path: Path, off: str, first: str, after: str
) -> None:
    moments = (f"{first}T05:59", f"{first}T06:01", f"{first}T22:01", f"{after}T22:01")
    lit = await shown(tmp_path, {**NIGHTS, "days_off": [off]}, *moments)
    assert lit == [True, False, False, True]


async def test_a_day_off_of_one_table_is_none_of_another(tmp_path: Path) -> None:
    schedule = [
        {"days": "mon-fri", "hours": "08:00-18:00", "days_off": ["2026-11-24"]},
        {"days": "tue", "hours": "12:00-13:00"},
    ]
    moments = ("2026-11-24T09:00", "2026-11-24T12:30", "2026-11-24T14:00", "2026-11-25T09:00")
    assert await shown(tmp_path, schedule, *moments) == [False, True, False, True]


async def test_a_hand_lights_it_on_a_day_off_and_presence_does_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schedule={"days_off": ["2026-11-23"]}, zone="UTC")
    bench.person()
    async with bench.running():
        assert not bench.light.shows.on
        bench.command({"state": "ON", "color": {"r": 0, "g": 0, "b": 255}})
        await bench.clock.advance(1)
        assert bench.light.shows.color == (0, 0, 255)
        bench.command({"effect": "presence"})
        await bench.clock.advance(1)
        assert not bench.light.shows.on
        assert bench.broker.json(f"{LIGHT}/why")["won"]["rule"] == "outside of the schedule: off"
