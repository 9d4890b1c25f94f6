"""A lamp that was there before us: taken, given back, and found again after a kill."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF, LightState
from drivers.rules import DEFAULT_LOOKS
from drivers.runtime.abilities import LOOK_EVERY_S
from drivers.runtime.manual import Mode
from tests.fakes.clock import START, ManualClock
from tests.fakes.light import FakeLight, RefreshableFakeLight
from tests.unit.drivers.bench import LIGHT, Bench

WARM = LightState(color=(255, 170, 90), brightness=0.4)
COLD = LightState(color=(200, 220, 255))
CALL = DEFAULT_LOOKS["in_a_call"].state()
MEETING = DEFAULT_LOOKS["in_a_meeting"].state()
GIVE_BACK = {"available": {"give_back": True}}


class Bulb(FakeLight):
    """A lamp on the desk that others use as well; each hand on it is noted."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.now = WARM
        self.hands: list[str] = []
        self.reads = 0
        self._applied: LightState | None = None

    @property
    def shows(self) -> LightState:
        return self.now

    async def apply(self, state: LightState) -> None:
        await super().apply(state)
        self.now = self._applied = state
        self.hands.append("look")

    async def snapshot(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.hands.append("read")
        return self.now.model_dump(mode="json")

    async def restore(self, snapshot: dict[str, Any]) -> None:
        if self.error:
            raise self.error
        self.now, self._applied = LightState.model_validate(snapshot), None
        self.hands.append("restored")

    async def changed_by_others(self) -> bool:
        if self.error:
            raise self.error
        self.reads += 1
        return self._applied is not None and self.now != self._applied


def bench_with(folder: Path, bulb: FakeLight, **common: Any) -> Bench:
    return Bench(folder, light=bulb, **{"looks": GIVE_BACK, "effects": True, **common})


@asynccontextmanager
async def killed(bench: Bench) -> AsyncIterator[None]:
    """A driver that runs until it is killed: nobody says goodbye to the light, or to the disk."""
    task = bench.start()
    await bench.clock.advance(0.1)
    yield
    light, file = bench.light, bench.folder / "lights" / "desk.json"
    light.error, kept = LightUnreachableError("its driver is dead"), file.read_bytes()
    task.cancel()
    async with asyncio.timeout(10):
        while not task.done():
            await bench.clock.advance(0.1)
            await asyncio.wait({task}, timeout=0.005)
    light.error = None
    file.write_bytes(kept)


async def says(bench: Bench, presence: str) -> None:
    bench.person(presence)
    await bench.clock.advance(1)


async def test_each_call_ends_as_the_lamp_was_found_before_it(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bench.person("available")
    async with bench.running():
        assert bulb.hands == []
        await says(bench, "busy/in_a_call")
        assert bulb.shows == CALL
        await says(bench, "available")
        assert bulb.shows == WARM
        bulb.now = COLD  # by an app
        hands = list(bulb.hands)
        await bench.clock.advance(3600)
        assert (bulb.shows, bulb.hands) == (COLD, hands)
        assert bulb.reads > 0  # whether it is there
        await says(bench, "busy/in_a_call")
        await says(bench, "available")
        assert bulb.shows == COLD
        assert bench.broker.json(f"{LIGHT}/state")["state"] is None
        assert bench.broker.json(f"{LIGHT}/rule")["look"] is None
        await says(bench, "busy/in_a_call")
    assert bulb.shows == COLD


async def test_at_the_end_of_the_day_it_is_given_back_and_hands_are_off(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(
        tmp_path,
        bulb,
        looks={},
        start=START.replace(hour=17, minute=59, second=30),
        schedule={"hours": "08:00-18:00", "outside": "give_back"},
        zone="UTC",
    )
    bench.person("busy/in_a_call")
    async with bench.running():
        assert bulb.shows == CALL
        await bench.clock.advance(31)
        assert bulb.shows == WARM
        assert bench.rule == "outside of the schedule: given back"
        bulb.now = OFF
        await says(bench, "available")
        await bench.clock.advance(600)
        assert bulb.shows == OFF
        bench.clock.jump_wall(14 * 3600)
        await says(bench, "busy/in_a_meeting")
        assert bulb.shows == MEETING
    assert bulb.shows == OFF


async def test_a_turn_of_the_schedule_takes_what_was_given_back(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    start = START.replace(hour=17, minute=59, second=30)
    schedule = {"hours": "08:00-18:00", "outside": "off"}
    bench = bench_with(tmp_path, bulb, start=start, schedule=schedule, zone="UTC")
    bench.person("available")
    async with bench.running():
        assert bulb.shows == WARM
        await bench.clock.advance(31)
        assert bulb.shows == OFF
        bench.clock.jump_wall(14 * 3600)
        await says(bench, "available")
        await bench.clock.advance(31)
        assert bulb.shows == WARM


async def test_killed_while_it_has_the_lamp_it_still_knows_how_it_was_found(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    first = bench_with(tmp_path, bulb)
    first.person("busy/in_a_call")
    async with killed(first):
        assert bulb.shows == CALL
    assert bulb.shows == CALL
    second = bench_with(tmp_path, bulb)
    second.person("busy/in_a_meeting")
    async with second.running():
        assert bulb.shows == MEETING
        await says(second, "available")
        assert bulb.shows == WARM


async def test_killed_in_a_call_and_started_after_it_gives_back_at_once(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    first = bench_with(tmp_path, bulb)
    first.person("busy/in_a_call")
    async with killed(first):
        pass
    second = bench_with(tmp_path, bulb)
    second.person("available")
    async with second.running():
        assert bulb.shows == WARM
    assert bulb.hands.count("restored") == 1


async def test_killed_after_it_gave_back_it_keeps_its_hands_off(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    first = bench_with(tmp_path, bulb)
    first.person("busy/in_a_call")
    async with killed(first):
        await says(first, "available")
        assert bulb.shows == WARM
    bulb.now, hands = COLD, list(bulb.hands)
    second = bench_with(tmp_path, bulb)
    second.person("available")
    async with second.running():
        await second.clock.advance(60)
    assert (bulb.shows, bulb.hands) == (COLD, hands)


async def test_a_stop_that_keeps_the_look_does_not_make_it_what_was_found(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    for presence, shown in (("busy/in_a_call", CALL), ("busy/in_a_meeting", MEETING)):
        bench = bench_with(tmp_path, bulb, on_exit="keep")
        bench.person(presence)
        async with bench.running():
            assert bulb.shows == shown
        assert bulb.shows == shown
    last = bench_with(tmp_path, bulb)
    last.person("available")
    async with last.running():
        assert bulb.shows == WARM


async def test_what_another_light_was_found_like_is_not_given_to_this_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bulb = Bulb(ManualClock())
    first = bench_with(tmp_path, bulb)
    first.person("busy/in_a_call")
    async with killed(first):
        pass
    other = Bulb(ManualClock())
    other.now = COLD
    second = bench_with(tmp_path, other, kind_name="another")
    second.person("busy/in_a_call")
    async with second.running():
        await says(second, "available")
        assert other.shows == COLD
    assert caplog.text.count("saved state of another light") == 1


async def test_a_hand_in_home_assistant_takes_it_and_presence_gives_it_back(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bench.person("available")
    async with bench.running():
        for command, shown in (
            ({"state": "ON", "color": {"r": 1, "g": 2, "b": 3}}, LightState(color=(1, 2, 3))),
            ({"state": "OFF"}, OFF),
            ({"state": "ON", "effect": "presence"}, WARM),
            ({"state": "OFF"}, OFF),
            ({"state": "ON"}, WARM),
            ({"state": "ON", "brightness": 20}, WARM),
            ({"state": "ON", "effect": "off"}, WARM),  # nothing of ours that could be kept
        ):
            bench.command(command)
            await bench.clock.advance(1)
            assert bulb.shows == shown, command
        await says(bench, "busy/in_a_call")
        assert bulb.shows.color == CALL.color
        assert bulb.shows.brightness == pytest.approx(20 / 255)


async def test_what_the_state_says_while_given_back_can_be_written_back(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bench.person("available")
    async with bench.running():
        told = bench.broker.json(f"{LIGHT}/state")
        assert (told["state"], told["effect"]) == (None, "presence")
        bench.command(told)
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/state") == told
        assert bulb.hands == []


async def test_who_is_respected_has_the_lamp_and_is_not_overruled_by_giving_back(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb, respect_others=True)
    bench.person("busy/in_a_meeting")
    async with bench.running():
        bulb.now = COLD
        await bench.clock.advance(LOOK_EVERY_S + 1)
        await says(bench, "available")
        assert bulb.shows == COLD
        await says(bench, "busy/in_a_call")
        assert bulb.shows == CALL
        await says(bench, "available")
        assert bulb.shows == COLD


async def test_who_changes_a_lamp_that_is_left_as_it_is_has_it(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    start = START.replace(hour=17, minute=59, second=30)
    schedule = {"hours": "08:00-18:00", "outside": "keep"}
    bench = bench_with(tmp_path, bulb, start=start, schedule=schedule, zone="UTC")
    bench.person("busy/in_a_meeting")
    async with bench.running():
        await bench.clock.advance(40)
        assert bulb.shows == MEETING
        bulb.now = COLD
        await bench.clock.advance(LOOK_EVERY_S + 1)
    assert bulb.shows == COLD


@pytest.mark.parametrize("error", [LightUnreachableError("no power"), RuntimeError("a bug")])
async def test_a_lamp_that_is_away_is_given_back_when_it_returns(
    tmp_path: Path, error: Exception
) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bench.person("busy/in_a_meeting")
    async with bench.running():
        bulb.error = error
        await says(bench, "available")
        await bench.clock.advance(120)
        assert bulb.shows == MEETING
        assert bench.broker.text(f"{LIGHT}/availability") == "offline"
        bulb.error = None
        await bench.clock.advance(61)
        assert bulb.shows == WARM
        assert bench.broker.text(f"{LIGHT}/availability") == "online"


async def test_a_lamp_that_could_not_even_be_taken_is_reported_reachable_when_it_is_back(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bulb.error = LightUnreachableError("no power")
    bench.person("busy/in_a_meeting")
    async with bench.running():
        await says(bench, "available")
        assert bench.broker.text(f"{LIGHT}/availability") == "offline"
        bulb.error = None
        await bench.clock.advance(61)
        assert bench.broker.text(f"{LIGHT}/availability") == "online"
    assert bulb.shows == WARM


async def test_a_call_that_comes_before_it_could_be_given_back_is_no_new_taking(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    bench.person("busy/in_a_meeting")
    async with bench.running():
        bulb.error = LightUnreachableError("no power")
        await says(bench, "available")
        await says(bench, "busy/in_a_call")
        bulb.error = None
        await bench.clock.advance(61)
        assert bulb.shows == CALL
        await says(bench, "available")
        assert bulb.shows == WARM


async def test_a_stop_that_finds_the_lamp_away_leaves_word_for_the_next_start(
    tmp_path: Path,
) -> None:
    bulb = Bulb(ManualClock())
    first = bench_with(tmp_path, bulb)
    first.person("busy/in_a_call")
    async with first.running():
        bulb.error = LightUnreachableError("no power")
    assert bulb.shows == CALL
    bulb.error = None
    second = bench_with(tmp_path, bulb)
    second.person("available")
    async with second.running():
        assert bulb.shows == WARM


async def test_an_animation_ends_with_what_was_found(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb, effects=False)
    bench.person("busy/in_a_call")
    async with bench.running():
        await bench.clock.advance(4.3)
        assert len(bulb.written) > 10
        await says(bench, "available")
        written = len(bulb.written)
        await bench.clock.advance(30)
        assert (bulb.shows, len(bulb.written)) == (WARM, written)


async def test_unknown_may_give_back_too(tmp_path: Path) -> None:
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb, looks={"unknown": {"give_back": True}}, grace=20)
    bench.person("busy/in_a_meeting")
    async with bench.running():
        bench.bridge("offline")
        await bench.clock.advance(22)
        assert bulb.shows == WARM


@pytest.mark.parametrize("made", [FakeLight, RefreshableFakeLight])
async def test_what_cannot_be_read_is_switched_off_then_and_that_is_said_at_the_start(
    tmp_path: Path, made: Callable[[ManualClock], FakeLight], caplog: pytest.LogCaptureFixture
) -> None:
    light = made(ManualClock())
    first = bench_with(tmp_path, light)
    first.person("busy/in_a_call")
    async with killed(first):
        assert light.shows == CALL
    assert caplog.text.count("where it would be given back it is switched off") == 1
    second = bench_with(tmp_path, light)
    second.person("available")
    async with second.running():
        assert light.shows == OFF
        written = len(light.written)
        refreshed = list(getattr(light, "refreshed_s", ()))
        await second.clock.advance(60)
        assert len(light.written) == written
        assert list(getattr(light, "refreshed_s", ())) == refreshed


async def test_nothing_is_said_of_giving_back_where_nobody_asks_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = bench_with(tmp_path, FakeLight(ManualClock()), looks={})
    async with bench.running():
        pass
    assert "given back" not in caplog.text


async def test_what_the_last_release_remembered_is_read_as_before(tmp_path: Path) -> None:
    (tmp_path / "lights").mkdir()
    kept = '{"on":true,"manual":true,"color":[1,2,3],"brightness":1.0}'
    (tmp_path / "lights" / "desk.json").write_text(kept)
    bulb = Bulb(ManualClock())
    bench = bench_with(tmp_path, bulb)
    async with bench.running():
        assert bulb.shows == LightState(color=(1, 2, 3))
        bench.command({"state": "ON", "effect": "presence"})
        await says(bench, "available")
        assert bulb.shows == WARM
    now = json.loads((tmp_path / "lights" / "desk.json").read_text())
    assert Mode.model_validate(now) == Mode()  # and the last release reads what we keep
