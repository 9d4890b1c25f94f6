"""When presence takes over a lamp that was switched off with all others."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bridge.contract.light import OFF
from drivers.rules import DEFAULT_LOOKS
from drivers.rules.hours import next_time
from drivers.settings import Common
from tests.unit.drivers.bench import LIGHT, Bench

BERLIN = ZoneInfo("Europe/Berlin")
SIX = time(6)
RED = DEFAULT_LOOKS["busy"].state()
NIGHT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-23T22:00", "2026-11-24T06:00"),
        ("2026-11-24T02:00", "2026-11-24T06:00"),
        ("2026-11-24T06:00", "2026-11-25T06:00"),
        ("2026-03-28T22:00", "2026-03-29T06:00"),
        ("2026-10-24T22:00", "2026-10-25T06:00"),
    ],
)
def test_it_is_the_next_such_time_on_the_clock_of_the_lamp(now: str, then: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=BERLIN).astimezone(UTC)
    assert next_time(SIX, at, BERLIN) == datetime.fromisoformat(then).replace(tzinfo=BERLIN)


def test_without_a_zone_the_clock_of_the_machine_counts() -> None:
    moment = next_time(SIX, NIGHT, None)
    assert moment.astimezone().time() == SIX
    assert NIGHT < moment <= NIGHT + timedelta(days=1)


@pytest.mark.parametrize("word", ["06:00", "never"])
def test_it_is_written_as_a_time_of_day_or_never(word: str) -> None:
    common = Common.model_validate({"kind": "lamp", "comes_back": word})
    assert common.comes_back == (SIX if word == "06:00" else "never")
    assert common.has_hours is (word == "06:00")


@pytest.mark.parametrize("word", ["6:00", "24:00", "morning", "", 6, True])
def test_what_is_neither_is_refused_with_what_can_be_written(word: object) -> None:
    with pytest.raises(ValidationError, match='write "never", or a time of day as "06:00"'):
        Common.model_validate({"kind": "lamp", "comes_back": word})


@pytest.mark.parametrize("restarted", [False, True])
async def test_after_all_lights_off_it_follows_in_the_morning(
    tmp_path: Path, *, restarted: bool
) -> None:
    settings: dict[str, Any] = {"comes_back": "06:00", "zone": "UTC"}
    bench = Bench(tmp_path, start=NIGHT, **settings)
    bench.person("busy")
    async with bench.running():
        bench.command({"state": "OFF"})
        await bench.clock.advance(60)
        bench.person("away")  # as Teams finds minutes after somebody has left
        await bench.clock.advance(600)
        assert bench.light.shows == OFF
        until = bench.broker.json(f"{LIGHT}/why")["until"]
        assert datetime.fromisoformat(until) == datetime(2026, 11, 24, 6, tzinfo=UTC)
        if not restarted:
            bench.person("busy")
            await bench.clock.advance(3000)
            assert bench.light.shows == RED
            return
    bench = Bench(
        tmp_path, bench.broker, start=datetime(2026, 11, 24, 5, 59, tzinfo=UTC), **settings
    )
    bench.person("busy")
    async with bench.running():
        assert bench.light.shows == OFF
        await bench.clock.advance(60)
        assert bench.light.shows == RED


async def test_a_lamp_that_does_not_come_back_stays_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path, start=NIGHT)
    bench.person("busy")
    async with bench.running():
        bench.command({"state": "OFF"})
        bench.person("busy/in_a_call")
        await bench.clock.advance(2 * 3600)
        assert bench.light.shows == OFF


async def test_a_time_in_the_command_comes_before_that_of_the_config(tmp_path: Path) -> None:
    bench = Bench(tmp_path, start=NIGHT, comes_back="06:00", zone="UTC")
    bench.person("busy")
    async with bench.running():
        bench.command({"state": "OFF", "for_s": 60})
        await bench.clock.advance(59)
        assert bench.light.shows == OFF
        await bench.clock.advance(2)
        assert bench.light.shows == RED
