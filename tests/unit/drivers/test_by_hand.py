"""What a person does to a running lamp by its topic: for a while, and as a trial."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.contract.light import OFF, LightState
from drivers.rules import DEFAULT_LOOKS
from drivers.runtime.by_hand import EACH_S
from tests.fakes.clock import START, ManualClock
from tests.fakes.light import FakeLight, ReadableFakeLight
from tests.unit.drivers.bench import LIGHT, Bench

RED = DEFAULT_LOOKS["busy"].state()
GREEN = DEFAULT_LOOKS["available"].state()
TRIED = list(dict.fromkeys(look.state() for look in DEFAULT_LOOKS.values()))
OFF_FOR_AN_HOUR = {"state": "OFF", "for_s": 3600}


def shown(bench: Bench) -> list[LightState]:
    """The looks that the light got, without the frames between."""
    return [state for _, state in bench.light.written]


async def test_off_for_an_hour_then_it_follows_by_itself(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command(OFF_FOR_AN_HOUR)
        await bench.clock.advance(3599)
        assert bench.light.shows == OFF
        assert bench.broker.json(f"{LIGHT}/rule")["mode"] == "off"
        await bench.clock.advance(2)
        assert bench.light.shows == RED
        assert bench.broker.json(f"{LIGHT}/state")["effect"] == "presence"


@pytest.mark.parametrize(("away_s", "look"), [(1800, OFF), (3700, RED)])
async def test_off_for_an_hour_is_an_hour_over_a_restart_too(
    tmp_path: Path, away_s: float, look: LightState
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command(OFF_FOR_AN_HOUR)
        await bench.clock.advance(1)
    later = Bench(tmp_path, bench.broker, start=START + timedelta(seconds=away_s))
    later.person("busy")
    async with later.running():
        assert shown(later) == [look], "nothing else, not for a moment"
        await later.clock.advance(1801)
        assert later.light.shows == RED


async def test_a_colour_can_have_an_end_as_well(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"color": {"r": 1, "g": 2, "b": 3}, "for_s": 5})
        await bench.clock.advance(4)
        assert bench.light.shows.color == (1, 2, 3)
        await bench.clock.advance(2)
        assert bench.light.shows == RED


async def test_each_look_is_tried_for_three_seconds_then_all_is_as_is_right_by_then(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, effects=True)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(1)
        bench.light.written.clear()
        bench.command({"try": True})
        await bench.clock.advance(1.5)
        for look in TRIED:
            assert bench.light.shows == look
            await bench.clock.advance(EACH_S)
            if look == TRIED[0]:
                bench.person("available")
        assert bench.light.shows == GREEN
        await bench.clock.advance(600)
        assert shown(bench) == [*TRIED, GREEN]


async def test_a_trial_says_which_look_it_is_and_leaves_the_mode_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"try": True})
        await bench.clock.advance(1)
        why = bench.broker.json(f"{LIGHT}/why")
        assert (why["won"]["rule"], why["trying"]) == ("its looks are tried", "in_a_call")
        lost = {"rule": "availability busy", "account": "alice", "because": "its looks are tried"}
        assert lost in why["lost"]
        assert bench.broker.json(f"{LIGHT}/state")["effect"] == "presence"
        assert bench.broker.json(f"{LIGHT}/rule")["mode"] == "follow"
        bench.command({"try": False})
        await bench.clock.advance(1)
        assert bench.light.shows == RED
        assert bench.broker.json(f"{LIGHT}/why")["trying"] is None


@pytest.mark.parametrize(
    ("command", "look"),
    [({"state": "OFF"}, OFF), ({"effect": "presence"}, RED), ({"effect": "off"}, RED)],
)
async def test_any_other_command_ends_a_trial(
    tmp_path: Path, command: dict[str, str], look: LightState
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"try": True})
        await bench.clock.advance(7)
        bench.command(command)
        await bench.clock.advance(120)
        assert (bench.light.shows.rgb, bench.light.shows.on) == (look.rgb, look.on)


async def test_a_lamp_that_was_switched_off_is_off_after_a_trial(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"state": "OFF"})
        bench.command({"try": True})
        await bench.clock.advance(1)
        assert bench.light.shows != OFF
        await bench.clock.advance(120)
        assert bench.light.shows == OFF


@pytest.mark.parametrize("outside", ["keep", "give_back"])
@pytest.mark.parametrize("stops", [False, True], ids=["to its end", "stopped"])
async def test_a_lamp_that_was_not_ours_is_given_back_after_a_trial(
    tmp_path: Path, outside: str, *, stops: bool
) -> None:
    bench = Bench(tmp_path, zone="UTC", schedule={"hours": "20:00-21:00", "outside": outside})
    bench.person("busy")
    assert isinstance(bench.light, ReadableFakeLight)
    async with bench.running():
        assert not bench.light.written
        bench.command({"try": True})
        await bench.clock.advance(2)
        assert bench.light.written
        if stops:
            bench.command({"try": False})
        await bench.clock.advance(120)
        assert bench.light.restored
        written = len(bench.light.written)
        await bench.clock.advance(600)
        assert len(bench.light.written) == written


async def test_a_lamp_that_keeps_its_look_outside_its_hours_gets_it_back(tmp_path: Path) -> None:
    start = START.replace(hour=20, minute=59)
    schedule = {"hours": "20:00-21:00", "outside": "keep"}
    bench = Bench(tmp_path, start=start, zone="UTC", schedule=schedule)
    bench.person("busy")
    assert isinstance(bench.light, ReadableFakeLight)
    async with bench.running():
        await bench.clock.advance(120)
        assert bench.light.shows == RED
        bench.command({"try": True})
        await bench.clock.advance(120)
        assert bench.light.shows == RED
        written = len(bench.light.written)
        bench.light.touched = True  # by a person, whose lamp it is outside of the hours
        await bench.clock.advance(60)
        assert len(bench.light.written) == written
        assert not bench.light.restored
        bench.light.touched = False
        bench.command({"try": True})
        await bench.clock.advance(120)
        assert bench.light.restored, "it is the person's, not our look of before"


async def test_a_light_without_colours_tries_its_own_looks(tmp_path: Path) -> None:
    bench = Bench(tmp_path, light=FakeLight(ManualClock()), color_mode="onoff")
    bench.person("available")
    async with bench.running():
        await bench.clock.advance(1)
        bench.light.written.clear()
        bench.command({"try": True})
        await bench.clock.advance(60)
        assert [state.on for state in shown(bench)] == [True, False]


async def test_the_switch_of_home_assistant_keeps_and_follows(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    config = "homeassistant/device/desk/light/config"
    async with bench.running():
        switch = bench.broker.json(config)["components"]["follow_presence"]
        assert switch["unique_id"] == "presence_light_desk_follow_presence"
        assert switch["default_entity_id"] == "switch.desk_follow_presence"
        bench.broker.tell(switch["command_topic"], switch["payload_off"], retain=False)
        await bench.clock.advance(1)
        bench.person("available")
        await bench.clock.advance(10)
        assert bench.light.shows == RED
        assert bench.broker.json(switch["state_topic"])["effect"] == "off"
        bench.broker.tell(switch["command_topic"], switch["payload_on"], retain=False)
        await bench.clock.advance(1)
        assert bench.light.shows == GREEN
        assert bench.broker.json(switch["state_topic"])["effect"] == "presence"


async def test_the_switch_turned_off_lights_no_lamp_that_is_dark(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("offline")
    async with bench.running():
        bench.command({"effect": "off"})
        bench.person("busy")
        await bench.clock.advance(10)
        assert bench.light.shows == OFF
        assert "effect" not in bench.broker.json(f"{LIGHT}/state")


async def test_a_lamp_stands_below_its_bridge_once_that_was_heard_of(tmp_path: Path) -> None:
    config = "homeassistant/device/desk/light/config"
    bench = Bench(tmp_path)
    async with bench.running():
        assert "via_device" not in bench.broker.json(config)["device"]
        bench.person("busy")
        await bench.clock.advance(6)
        assert bench.broker.json(config)["device"]["via_device"] == "presence_bridge"
    later = Bench(tmp_path)
    async with later.running():
        assert later.broker.json(config)["device"]["via_device"] == "presence_bridge"
