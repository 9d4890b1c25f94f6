"""What every kind of light owes the runner, shown on each of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from drivers.base import Kind, Light, Restorable, Surroundings
from drivers.effects import frame
from drivers.lamp import Lamp
from drivers.registry import installed
from drivers.rules import DEFAULT_LOOKS, GIVE_BACK, Shown
from tests.contract.conftest import CAN_HANG, RIGS
from tests.contract.rigs import Rig
from tests.fakes.clock import ManualClock

SOON_S = 30.0
"""Real seconds: what needs longer hangs."""
RED = LightState(color=(255, 0, 0))
GREEN = LightState(color=(0, 255, 0))
BLUE = LightState(color=(0, 0, 255))
LIBRARIES = ("aiohttp", "busylight_core", "gpiozero", "hid", "lgpio", "msal", "phue", "serial")


class Desk:
    """The lamp of a rig, as the runner has it."""

    def __init__(self, rig: Rig, light: Light, kind: Kind[Any], clock: ManualClock) -> None:
        self.target: Latest[Shown] = Latest(None)
        self.reachable: list[bool] = []
        self._clock, self._rig = clock, rig
        self.lamp = Lamp(
            light,
            kind,
            name="desk",
            target=self.target,
            clock=clock,
            reachable=self.reachable.append,
            random=lambda: 1.0,
        )
        self.running = asyncio.create_task(self.lamp.run())

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.wait({self.running})

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait for ``fact`` while time passes quickly."""
        async with asyncio.timeout(SOON_S):
            while not fact():
                await self._clock.advance(0.1)
                await asyncio.sleep(0.005)

    async def until_shown(self, state: LightState) -> None:
        await self.until(lambda: self._rig.shows(state) and self.reachable[-1:] == [True])


@asynccontextmanager
async def desk(rig: Rig, around: Surroundings, *, deadline_s: float = 0.0) -> AsyncIterator[Desk]:
    assert isinstance(around.clock, ManualClock)
    kind = replace(rig.kind, deadline_s=deadline_s or rig.kind.deadline_s)
    async with kind.open(rig.options, around) as light:
        built = Desk(rig, light, kind, around.clock)
        try:
            yield built
        finally:
            await built.stop()


async def passing(work: Any, clock: ManualClock) -> None:
    """Run ``work`` while time passes quickly."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(SOON_S):
        while not task.done():
            await clock.advance(0.1)
            await asyncio.wait({task}, timeout=0.005)
    await task


async def shown(rig: Rig, state: LightState) -> None:
    """Wait until what went out has arrived."""
    async with asyncio.timeout(SOON_S):
        while not rig.shows(state):  # noqa: ASYNC110 - devices of all sorts; none wakes us
            await asyncio.sleep(0.002)


@contextmanager
def hanging(rig: Rig) -> Iterator[None]:
    """The device takes what it is told only after the block, where anybody waits for it."""
    if rig.gate:
        rig.gate.shut()
    yield
    if rig.gate:
        rig.gate.open()


async def begun(rig: Rig) -> None:
    """Wait until the first write is on its way."""
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON_S):
        while rig.gate and not rig.gate.reached:  # noqa: ASYNC110 - reached in a thread
            await asyncio.sleep(0.002)


async def test_each_look_arrives(rig: Rig, around: Surroundings) -> None:
    async with rig.kind.open(rig.options, around) as light:
        for look in DEFAULT_LOOKS.values():
            state = look.state(1.0)
            if state.effect not in rig.kind.effects:
                state = frame(state, 0.0)
            await light.apply(state)
            await shown(rig, state)


async def test_the_same_look_twice_is_the_same(rig: Rig, around: Surroundings) -> None:
    async with rig.kind.open(rig.options, around) as light:
        for state in (GREEN, GREEN, OFF, OFF, GREEN):
            await light.apply(state)
            await shown(rig, state)


@pytest.mark.parametrize("on_exit", ["restore", "off", "keep"])
async def test_it_is_left_as_asked_for(
    rig: Rig, around: Surroundings, clock: ManualClock, on_exit: Any
) -> None:
    async with desk(rig, around) as here:
        here.target.set(GREEN)
        await here.until_shown(GREEN)
        await here.stop()
        await passing(here.lamp.leave(on_exit), clock)
    if on_exit == "restore" and rig.restores:
        assert rig.as_found()
    elif on_exit == "keep" and rig.stays_lit:
        assert rig.shows(GREEN)
    else:
        await shown(rig, OFF)


async def test_each_time_it_is_given_back_it_is_as_it_was_found_and_then_left_alone(
    rig: Rig, around: Surroundings, clock: ManualClock
) -> None:
    async with desk(rig, around) as here:
        for state in (GREEN, RED):
            here.target.set(state)
            await here.until_shown(state)
            here.target.set(GIVE_BACK)
            await here.until(rig.as_found if rig.restores else lambda: rig.shows(OFF))
            told = rig.looks
            for _ in range(30):
                await clock.advance(1)
                await asyncio.sleep(0)
            assert rig.looks == told
            assert rig.as_found() if rig.restores else rig.shows(OFF)
        await here.stop()


async def test_the_light_can_be_read_where_its_rig_says_so(rig: Rig, around: Surroundings) -> None:
    async with rig.kind.open(rig.options, around) as light:
        assert isinstance(light, Restorable) == rig.restores


async def test_a_lamp_that_was_never_written_is_left_alone(rig: Rig, around: Surroundings) -> None:
    before = rig.looks
    async with desk(rig, around) as here:
        await here.stop()
        await here.lamp.leave("restore")
    assert rig.looks == before


async def test_closing_twice_and_opening_again_works(rig: Rig, around: Surroundings) -> None:
    for state in (RED, GREEN):
        async with rig.kind.open(rig.options, around) as light:
            await light.apply(state)
            await shown(rig, state)
            close = getattr(light, "close", None)
            if close:
                await close()


async def test_a_dead_device_is_unreachable_in_time_and_comes_back(
    rig: Rig, around: Surroundings
) -> None:
    async with rig.kind.open(rig.options, around) as light:
        await light.apply(RED)
        await rig.unplug()
        for _ in range(2):
            async with asyncio.timeout(rig.kind.deadline_s):
                with pytest.raises(LightUnreachableError):
                    await light.apply(GREEN)
        await rig.plug()
        await light.apply(GREEN)
        await shown(rig, GREEN)


async def test_a_device_that_is_dead_at_the_start_gets_the_newest_look_when_it_comes(
    rig: Rig, around: Surroundings
) -> None:
    await rig.unplug()
    async with desk(rig, around) as here:
        here.target.set(RED)
        await here.until(lambda: here.reachable[-1:] == [False])
        here.target.set(GREEN)
        await rig.plug()
        await here.until_shown(GREEN)


async def test_closing_a_dead_device_takes_no_longer_than_its_deadline(
    rig: Rig, around: Surroundings
) -> None:
    async with asyncio.timeout(rig.kind.deadline_s):
        async with desk(rig, around) as here:
            here.target.set(RED)
            await here.until_shown(RED)
            await rig.unplug()
            await here.stop()
            await here.lamp.leave("restore")
        await rig.plug()


async def test_a_call_that_is_cancelled_in_the_middle_leaves_it_usable(
    rig: Rig, around: Surroundings
) -> None:
    async with rig.kind.open(rig.options, around) as light:
        with hanging(rig):
            applying = asyncio.create_task(light.apply(RED))
            await begun(rig)
            applying.cancel()
            await asyncio.wait({applying}, timeout=SOON_S)
            assert applying.cancelled() or rig.gate is None
        await light.apply(GREEN)
        await shown(rig, GREEN)


@pytest.mark.parametrize("rig", CAN_HANG, indirect=True)
async def test_a_device_that_hangs_is_unreachable_and_a_late_write_overtakes_nothing(
    rig: Rig, around: Surroundings, clock: ManualClock
) -> None:
    async with desk(rig, around, deadline_s=0.2) as here:
        with hanging(rig):
            here.target.set(RED)
            await begun(rig)
            await here.until(lambda: here.reachable[-1:] == [False])
            here.target.set(GREEN)
            await clock.advance(60)
            await asyncio.sleep(0.05)  # it is tried meanwhile, in vain
        await here.until_shown(GREEN)
        await asyncio.sleep(0.05)  # a late write would come now
        assert rig.shows(GREEN)


async def test_the_newest_of_many_wins_and_those_between_are_never_written(
    rig: Rig, around: Surroundings, clock: ManualClock
) -> None:
    async with desk(rig, around) as here:
        before = rig.looks
        with hanging(rig):
            here.target.set(RED)
            await begun(rig)
            for number in range(1, 10):
                here.target.set(LightState(color=(number, 0, 255)))
                await clock.settle()
        last = LightState(color=(9, 0, 255))
        await here.until_shown(last)
        assert rig.looks - before == 2


PROBE = """
import sys
touched = []
def look(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/dev/", "/sys/class")):
        touched.append(arguments[0])
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.listdir") and (
        event != "os.listdir" or str(arguments[0]).startswith(("/dev", "/sys"))
    ):
        touched.append(event)
from drivers.registry import find
sys.addaudithook(look)
kind = find(sys.argv[1])
libraries = {library for library in sys.argv[2].split() if library in sys.modules}
others = {name for name in sys.modules if name in sys.argv[3].split()}
print(kind.name, sorted(libraries), sorted(others), touched)
"""


@pytest.mark.parametrize("name", sorted({words.split()[0] for words in RIGS}))
def test_importing_a_kind_touches_no_hardware_and_loads_no_light_library(name: str) -> None:
    points = installed()
    others = {point.module for point in points.values()} - {points[name].module}
    words = [sys.executable, "-c", PROBE, name, " ".join(LIBRARIES), " ".join(others)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (f"{name} [] [] []", "")


def test_every_kind_of_ours_is_in_this_suite() -> None:
    ours = {name for name, point in installed().items() if point.module.startswith("drivers.")}
    assert ours == {words.split()[0] for words in RIGS}
