"""The virtual lamp: what Home Assistant is told of a light that is nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers import virtual
from drivers.settings import Common
from tests.fakes.light import FakeLight
from tests.unit.drivers.bench import LIGHT, Bench


class VirtualFake(virtual.VirtualLight, FakeLight):
    """The light itself, as the bench wants one."""

    def __init__(self) -> None:
        virtual.VirtualLight.__init__(self)


def lamp(folder: Path, **common: Any) -> Bench:
    return Bench(folder, light=VirtualFake(), effects=True, **common)


async def test_home_assistant_sees_colour_and_look_and_may_set_it_by_hand(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    bench.person("busy/in_a_call")
    async with bench.running():
        state = bench.broker.json(f"{LIGHT}/state")
        assert (state["state"], state["color"]) == ("ON", {"r": 255, "g": 0, "b": 0})
        assert bench.broker.json(f"{LIGHT}/rule")["look"]["effect"] == "pulse"
        assert bench.broker.text(f"{LIGHT}/availability") == "online"
        bench.command({"state": "ON", "color": {"r": 1, "g": 2, "b": 3}})
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/state")["color"] == {"r": 1, "g": 2, "b": 3}


async def test_given_back_it_is_unknown_so_that_others_are_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = lamp(tmp_path, looks={"available": {"give_back": True}})
    bench.person("busy")
    async with bench.running():
        bench.state("available", at_s=1)
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/state")["state"] is None
        bench.state("busy", at_s=2)
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/state")["state"] == "ON"
    assert "cannot be read" not in caplog.text


def test_it_has_no_key_of_its_own() -> None:
    assert not virtual.KIND.options.model_fields.keys() - Common.model_fields.keys()
