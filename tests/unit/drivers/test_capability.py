"""A light without colours, or of which only it can tell: its looks, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import OFF, LightState
from drivers.base import Capability
from tests.fakes.clock import ManualClock
from tests.fakes.light import FakeLight
from tests.unit.drivers.bench import LIGHT, Bench

CONFIG = "homeassistant/device/desk/light/config"
ON = LightState()


class Plug(FakeLight):
    """It tells that it is on or off only, once it is reached."""

    asked = 0

    async def capability(self) -> Capability:
        self.asked += 1
        if self.error:
            raise self.error
        return Capability.ON_OFF


async def says(bench: Bench, presence: str) -> None:
    bench.person(presence)
    await bench.clock.advance(1)


@pytest.mark.parametrize("learned", [False, True], ids=["by its kind", "by the light itself"])
async def test_a_light_that_is_on_or_off_needs_no_looks(tmp_path: Path, *, learned: bool) -> None:
    light = (Plug if learned else FakeLight)(ManualClock())
    bench = Bench(tmp_path, light=light, color_mode="rgb" if learned else "onoff")
    bench.person("available")
    async with bench.running():
        assert {state for _, state in light.written} == {OFF}  # nothing else before
        for presence, shown in (
            ("busy/in_a_call", ON),
            ("busy/busy", OFF),
            ("busy/presenting", ON),
            ("away", OFF),
            ("do_not_disturb", ON),
        ):
            await says(bench, presence)
            assert light.shows == shown, presence
        bench.bridge("offline")
        await bench.clock.advance(15)
        assert light.shows == OFF
        told = bench.broker.json(CONFIG)["components"]["light"]
        assert (told["supported_color_modes"], told["brightness"]) == (["onoff"], False)
        assert set(bench.broker.json(f"{LIGHT}/state")) == {"state", "color_mode", "effect"}
        assert bench.broker.json(f"{LIGHT}/rule")["capability"] == "onoff"


async def test_what_a_light_can_do_is_remembered_while_it_is_away(tmp_path: Path) -> None:
    for away in (False, True):
        light = Plug(ManualClock())
        light.error = LightUnreachableError("no power") if away else None
        bench = Bench(tmp_path, light=light)
        bench.person("busy/in_a_call")
        async with bench.running():
            await bench.clock.advance(10)
            told = bench.broker.json(CONFIG)["components"]["light"]
            assert told["supported_color_modes"] == ["onoff"]
            assert bench.broker.json(f"{LIGHT}/rule")["look"]["effect"] == "solid"


@pytest.mark.parametrize(
    "error",
    [
        LightUnreachableError("no answer"),
        LightRefusedError("not paired.", remedy="Pair it."),
        RuntimeError("a bug"),
    ],
)
async def test_a_light_that_cannot_answer_yet_is_reread_before_anything_is_written(
    tmp_path: Path, error: Exception
) -> None:
    light = Plug(ManualClock())
    light.error = error
    bench = Bench(tmp_path, light=light)
    bench.person("busy/in_a_call")
    async with bench.running():
        await bench.clock.advance(70)
        assert light.tries == 0
        assert bench.broker.text(f"{LIGHT}/availability") == "offline"
        light.error = None
        await bench.clock.advance(61)
        assert [state for _, state in light.written] == [ON]
        asked = light.asked
        await says(bench, "available")
        assert light.asked == asked


async def test_own_looks_are_kept_whatever_the_light_can_do(tmp_path: Path) -> None:
    light = Plug(ManualClock())
    looks = {"available": {"color": "green"}, "in_a_call": {"off": True}, "default": {}}
    bench = Bench(tmp_path, light=light, looks=looks)
    bench.person("available")
    async with bench.running():
        assert any(light.shows.rgb)
        await says(bench, "busy/in_a_call")
        assert light.shows == OFF
        await says(bench, "busy/busy")
        assert light.shows == ON
        await says(bench, "busy/presenting")
        assert light.shows == ON


async def test_a_light_that_turns_out_to_have_colours_gets_their_looks_back(
    tmp_path: Path,
) -> None:
    """As when the lamp of that name was exchanged."""
    first = Bench(tmp_path, light=Plug(ManualClock()))
    first.person("available")
    async with first.running():
        assert first.light.shows == OFF

    class Bulb(Plug):
        async def capability(self) -> Capability:
            return Capability.COLOR

    second = Bench(tmp_path, light=Bulb(ManualClock()))
    second.person("available")
    async with second.running():
        assert second.light.shows.color == (0, 255, 0)
