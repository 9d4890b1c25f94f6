"""The ``wled`` kind over HTTP: segments, restarts, changes by others, and strips that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import OFF, Effect, LightState
from drivers import wled_light
from drivers.base import Surroundings
from drivers.testing import FakeBus, ManualClock
from drivers.wled_light import WledOptions
from tests.fakes.http_devices import WledStrip
from tests.fakes.serial_boards import WLED_BOOT

RED = LightState(color=(255, 0, 0), brightness=0.5)


class Desk:
    """A strip and its light."""

    def __init__(self, strip: WledStrip, light: Any, clock: ManualClock) -> None:
        self.strip, self.light, self.clock = strip, light, clock

    @property
    def state(self) -> dict[str, Any]:
        return self.strip.board.state

    @property
    def told(self) -> list[dict[str, Any]]:
        return self.strip.board.told


@asynccontextmanager
async def desk(**keys: Any) -> AsyncIterator[Desk]:
    strip, clock = WledStrip(), ManualClock()
    async with strip.running():
        options = WledOptions(host=strip.address.removeprefix("http://"), **keys)
        around = Surroundings("strip", Path("/nowhere"), clock, FakeBus())
        async with wled_light.KIND.open(options, around) as light:
            yield Desk(strip, light, clock)


async def test_one_segment_is_shown_and_put_back_and_the_others_are_never_touched() -> None:
    async with desk(segments=(2,)) as here:
        found = await here.light.snapshot()
        await here.light.apply(RED)
        assert here.state["seg"][0] == WLED_BOOT["seg"][0]
        assert here.state["bri"] == WLED_BOOT["bri"]
        assert (here.state["seg"][1]["on"], here.state["seg"][1]["bri"]) == (True, 128)
        await here.light.apply(OFF)
        assert here.state["on"] is True
        assert here.state["seg"][1]["on"] is False
        await here.light.restore(found)
        assert here.state["seg"] == WLED_BOOT["seg"]


async def test_a_running_playlist_goes_on_afterwards() -> None:
    async with desk() as here:
        here.state["pl"] = 7
        found = await here.light.snapshot()
        await here.light.apply(RED)
        await here.light.restore(found)
        assert here.told[-1] == {"v": True, "ps": 7}


async def test_effects_and_fading_are_the_strips_own() -> None:
    async with desk(transition=1.5) as here:
        await here.light.apply(RED.model_copy(update={"effect": Effect.BLINK}))
        assert here.told[-1]["tt"] == 15
        assert {part["fx"] for part in here.told[-1]["seg"]} == {1}


async def test_what_the_app_changes_is_noticed_and_a_restart_is_no_such_change() -> None:
    async with desk() as here:
        assert not await here.light.changed_by_others()
        await here.light.apply(RED)
        assert not await here.light.changed_by_others()
        here.state["bri"] = 3
        assert await here.light.changed_by_others()
        here.strip.board.restart()
        assert not await here.light.changed_by_others()
        assert here.strip.board.colors == [(255, 0, 0)] * 2


async def test_another_segment_may_change_as_it_likes() -> None:
    async with desk(segments=(0,)) as here:
        await here.light.apply(RED)
        here.state["seg"][1]["on"] = True
        here.state["bri"] = 7
        assert not await here.light.changed_by_others()
        here.state["seg"][0]["bri"] = 7
        assert await here.light.changed_by_others()


async def test_a_segment_that_is_not_there_is_for_a_person_and_may_come() -> None:
    async with desk(segments=(0, 5)) as here:
        with pytest.raises(LightRefusedError, match=r"has no segment 5\. .*it has 0, 2\."):
            await here.light.apply(RED)
        assert here.told == []
        here.state["seg"].append({**here.state["seg"][1], "id": 5})
        await here.light.apply(RED)
        assert here.strip.board.colors == [(255, 0, 0), (0, 0, 0), (255, 0, 0)]


async def test_one_that_is_busy_is_retried() -> None:
    async with desk() as here:
        here.strip.board.busy = 1
        with pytest.raises(LightUnreachableError, match="HTTP 503"):
            await here.light.apply(RED)
        await here.light.apply(RED)


@pytest.mark.parametrize("content", ["<html>Router</html>", "{}", '{"state":{"on":1}}'])
async def test_somebody_else_at_its_address_is_for_a_person(content: str) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=content)

    async with desk() as here:
        here.strip.misbehaves = answer
        with pytest.raises(LightRefusedError, match=r"not as WLED\. Correct host\."):
            await here.light.snapshot()


@pytest.mark.parametrize("host", ["", "http://x", "a b", "x:0", "x:99999", "unix:/x", "::1"])
def test_an_address_that_can_be_none_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="must be the name or address"):
        WledOptions(host=host)


def test_a_segment_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        WledOptions(host="wled.local", segments=(1, 1))
