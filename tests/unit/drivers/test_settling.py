"""Between two calls a lamp keeps its look for a moment, and only then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from drivers.rules import DEFAULT_LOOKS
from tests.fakes.clock import ManualClock
from tests.fakes.light import SignFakeLight
from tests.unit.drivers.bench import LIGHT, Bench
from tests.unit.drivers.test_capability import Plug

RED, GREEN = DEFAULT_LOOKS["in_a_call"].state(), DEFAULT_LOOKS["available"].state()
UNKNOWN = DEFAULT_LOOKS["unknown"].state()


def desk(folder: Path, **common: Any) -> Bench:
    return Bench(folder, effects=True, **{"settle": 3, **common})


async def test_a_lamp_does_not_dance_between_two_calls(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(2.5)
        bench.state("busy/in_a_call", at_s=2)
        await bench.clock.advance(60)
        assert [state for _, state in bench.light.written] == [RED]


async def test_what_has_settled_is_shown_then_and_not_later(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.person("busy/in_a_call")
    async with bench.running():
        began_s = bench.clock.monotonic()
        bench.state("busy", at_s=1)
        await bench.clock.advance(2)
        bench.state("available", at_s=2)
        await bench.clock.advance(10)
        assert [state for _, state in bench.light.written] == [RED, GREEN]
        assert 3 <= bench.light.written[-1][0] - began_s < 3.5


async def test_what_is_busier_comes_at_once(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.person("available")
    async with bench.running():
        bench.state("busy/in_a_call", at_s=1)
        await bench.clock.advance(0.2)
        assert bench.light.shows == RED


@pytest.mark.parametrize("settle", [0, 3])
async def test_it_says_what_waits_and_for_how_long(tmp_path: Path, settle: int) -> None:
    bench = desk(tmp_path, settle=settle)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(1)
        why = bench.broker.json(f"{LIGHT}/why")
        assert why["followed"][0]["activity"] == "available"
        if not settle:
            assert why["won"]["rule"] == "availability available"
            return
        assert why["won"]["rule"] == "activity in_a_call"
        waits = why["lost"][0]
        assert (waits["rule"], waits["because"]) == (
            "availability available",
            "quieter presence waits 3 s",
        )


async def test_what_is_no_presence_does_not_wait(tmp_path: Path) -> None:
    bench = desk(tmp_path, settle=300)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.broker.tell("presence/account/alice/availability", "offline")
        await bench.clock.advance(0.2)
        assert bench.light.shows == UNKNOWN
        bench.person("available")
        await bench.clock.advance(0.2)
        assert bench.light.shows == GREEN
        bench.command({"state": "OFF"})
        await bench.clock.advance(0.2)
        assert not bench.light.shows.on


async def test_the_schedule_and_a_bridge_that_is_gone_do_not_wait(tmp_path: Path) -> None:
    bench = desk(tmp_path, settle=300, grace=1)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.bridge("offline")
        await bench.clock.advance(2)
        assert bench.light.shows == UNKNOWN
    ends = {"days": "mon", "hours": "08:00-09:01"}
    bench = Bench(tmp_path / "b", effects=True, settle=300, schedule=ends, zone="UTC")
    bench.person("busy/in_a_call")
    async with bench.running():
        assert bench.light.shows == RED
        bench.state("available", at_s=1)
        await bench.clock.advance(timedelta(seconds=62).total_seconds())
        assert not bench.light.shows.on


async def test_the_words_of_a_sign_wait_with_its_look(tmp_path: Path) -> None:
    light = SignFakeLight(ManualClock())
    bench = desk(tmp_path, light=light)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(2)
        assert [words.activity for words in light.said] == ["in_a_call"]
        await bench.clock.advance(2)
        assert [words.activity for words in light.said] == ["in_a_call", "available"]


async def test_a_start_waits_for_nothing(tmp_path: Path) -> None:
    bench = desk(tmp_path, settle=300)
    bench.person("available")
    async with bench.running():
        assert bench.light.shows == GREEN


@pytest.mark.parametrize(
    ("leaf", "payload"), [("availability", "offline"), ("sign_in", "needed"), ("state", "")]
)
async def test_nobody_waits_for_who_is_too_old_signed_out_or_removed(
    tmp_path: Path, leaf: str, payload: str
) -> None:
    bench = desk(tmp_path, settle=300, follow=["alice", "bob"])
    bench.person("busy/in_a_call")
    bench.person("available", "bob")
    async with bench.running():
        assert bench.light.shows == RED
        bench.broker.tell(f"presence/account/alice/{leaf}", payload)
        await bench.clock.advance(0.2)
        assert bench.light.shows == GREEN
        assert bench.broker.json(f"{LIGHT}/why")["won"]["account"] == "bob"


async def test_the_look_of_who_left_while_a_quieter_one_waited_goes_at_once(tmp_path: Path) -> None:
    bench = desk(tmp_path, settle=300, follow=["alice", "bob"])
    bench.person("busy/in_a_call")
    bench.person("available", "bob")
    async with bench.running():
        bench.state("away", at_s=1)
        await bench.clock.advance(60)
        assert bench.light.shows == RED
        bench.broker.tell("presence/account/alice/availability", "offline")
        await bench.clock.advance(0.2)
        assert bench.light.shows == GREEN


async def test_a_hand_ends_no_wait_and_presence_after_it_is_what_is_right_by_then(
    tmp_path: Path,
) -> None:
    bench = desk(tmp_path, settle=10)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(2)
        bench.command({"state": "OFF"})
        await bench.clock.advance(2)
        bench.command({"effect": "presence"})
        await bench.clock.advance(2)
        assert bench.light.shows == RED
        bench.command({"state": "OFF"})
        await bench.clock.advance(6)
        bench.command({"effect": "presence"})
        await bench.clock.advance(0.2)
        assert bench.light.shows == GREEN


async def test_a_bridge_that_comes_back_in_time_does_not_restart_the_wait(
    tmp_path: Path,
) -> None:
    bench = desk(tmp_path, settle=10, grace=30)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(4)
        bench.bridge("offline")
        await bench.clock.advance(4)
        bench.bridge()
        await bench.clock.advance(3)
        assert bench.light.shows == GREEN


async def test_a_lamp_that_starts_between_two_calls_shows_what_is_true_then(tmp_path: Path) -> None:
    bench = desk(tmp_path, settle=300)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(2)
        assert bench.light.shows == RED
    later = desk(tmp_path, settle=300, broker=bench.broker)
    async with later.running():
        assert [state for _, state in later.light.written] == [GREEN]


async def test_a_light_that_reports_late_what_it_can_gets_the_look_that_is_right_then(
    tmp_path: Path,
) -> None:
    plug = Plug(ManualClock())
    plug.error = LightUnreachableError("away", retry_after_s=1)
    bench = desk(tmp_path, settle=300, light=plug)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(2)
        plug.error = None
        await bench.clock.advance(5)
        won = bench.broker.json(f"{LIGHT}/why")["won"]
        assert won["rule"] == "default, for available/available"
        assert [state.on for _, state in plug.written] == [False]


async def test_a_quieter_look_that_waits_is_dropped_at_the_end_of_the_day(tmp_path: Path) -> None:
    schedule = {"days": "mon", "hours": "08:00-09:01", "days_off": ["2026-11-24"]}
    bench = desk(tmp_path, settle=120, schedule=schedule, zone="UTC")
    bench.person("busy/in_a_call")
    async with bench.running():
        await bench.clock.advance(55)
        bench.state("available", at_s=55)
        await bench.clock.advance(10)
        assert not bench.light.shows.on
        await bench.clock.advance(300)
        assert not bench.light.shows.on
