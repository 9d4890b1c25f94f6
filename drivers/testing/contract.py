"""What every kind of light owes the runner, as a suite of tests for any of them.

The tests run an event loop of their own, so that pytest alone is enough.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF, LightState
from drivers.base import Restorable, Surroundings
from drivers.looks.effects import animation
from drivers.rules import DEFAULT_LOOKS, GIVE_BACK
from drivers.testing.bus import FakeBus
from drivers.testing.clock import ManualClock
from drivers.testing.imports import loaded
from drivers.testing.rig import SOON_S, Rig, begun, desk, hanging, passing, shown

P = ParamSpec("P")

RED = LightState(color=(255, 0, 0))
GREEN = LightState(color=(0, 255, 0))


def _with_power(
    test: Callable[Concatenate[Any, Rig, Surroundings, P], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run ``test`` to its end while the device of the rig has power."""

    @functools.wraps(test)
    def run(suite: Any, rig: Rig, around: Surroundings, *args: P.args, **kwargs: P.kwargs) -> None:
        async def powered() -> None:
            async with rig.running(around):
                await test(suite, rig, around, *args, **kwargs)

        asyncio.run(powered())

    return run


class LightContract:
    """Subclass it as ``Test…`` with a fixture ``rig``; each test then runs on that rig."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def around(self, tmp_path: Path, clock: ManualClock) -> Surroundings:
        return Surroundings("desk", tmp_path / "state", clock, FakeBus())

    @_with_power
    async def test_each_look_arrives(self, rig: Rig, around: Surroundings) -> None:
        async with rig.kind.open(rig.options, around) as light:
            for look in DEFAULT_LOOKS.values():
                state = look.state(1.0)
                if state.effect not in rig.kind.effects:
                    state = animation(state).at(0.0)
                await light.apply(state)
                await shown(rig, state)

    @_with_power
    async def test_the_same_look_twice_is_the_same(self, rig: Rig, around: Surroundings) -> None:
        async with rig.kind.open(rig.options, around) as light:
            for state in (GREEN, GREEN, OFF, OFF, GREEN):
                await light.apply(state)
                await shown(rig, state)

    @pytest.mark.parametrize("on_exit", ["restore", "off", "keep"])
    @_with_power
    async def test_it_is_left_as_asked_for(
        self, rig: Rig, around: Surroundings, clock: ManualClock, on_exit: Any
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

    @_with_power
    async def test_each_time_it_is_given_back_it_is_as_it_was_found_and_then_left_alone(
        self, rig: Rig, around: Surroundings, clock: ManualClock
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

    @_with_power
    async def test_the_light_can_be_read_where_its_rig_says_so(
        self, rig: Rig, around: Surroundings
    ) -> None:
        async with rig.kind.open(rig.options, around) as light:
            assert isinstance(light, Restorable) == rig.restores

    @_with_power
    async def test_a_lamp_that_was_never_written_is_left_alone(
        self, rig: Rig, around: Surroundings
    ) -> None:
        before = rig.looks
        async with desk(rig, around) as here:
            await here.stop()
            await here.lamp.leave("restore")
        assert rig.looks == before

    @_with_power
    async def test_closing_twice_and_opening_again_works(
        self, rig: Rig, around: Surroundings
    ) -> None:
        for state in (RED, GREEN):
            async with rig.kind.open(rig.options, around) as light:
                await light.apply(state)
                await shown(rig, state)
                close = getattr(light, "close", None)
                if close:
                    await close()

    @_with_power
    async def test_a_dead_device_is_unreachable_in_time_and_comes_back(
        self, rig: Rig, around: Surroundings
    ) -> None:
        if not rig.can_be_away:
            return
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

    @_with_power
    async def test_a_device_that_is_dead_at_the_start_gets_the_newest_look_when_it_comes(
        self, rig: Rig, around: Surroundings
    ) -> None:
        if not rig.can_be_away:
            return
        await rig.unplug()
        async with desk(rig, around) as here:
            here.target.set(RED)
            await here.until(lambda: here.reachable[-1:] == [False])
            here.target.set(GREEN)
            await rig.plug()
            await here.until_shown(GREEN)

    @_with_power
    async def test_closing_a_dead_device_takes_no_longer_than_its_deadline(
        self, rig: Rig, around: Surroundings
    ) -> None:
        if not rig.can_be_away:
            return
        async with asyncio.timeout(rig.kind.deadline_s):
            async with desk(rig, around) as here:
                here.target.set(RED)
                await here.until_shown(RED)
                await rig.unplug()
                await here.stop()
                await here.lamp.leave("restore")
            await rig.plug()

    @_with_power
    async def test_a_call_that_is_cancelled_in_the_middle_leaves_it_usable(
        self, rig: Rig, around: Surroundings
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

    @_with_power
    async def test_a_device_that_hangs_is_unreachable_and_a_late_write_overtakes_nothing(
        self, rig: Rig, around: Surroundings, clock: ManualClock
    ) -> None:
        async with desk(rig, around, deadline_s=rig.patience_s) as here:
            with hanging(rig):
                here.target.set(RED)
                await begun(rig)
                if rig.gate:
                    await here.until(lambda: here.reachable[-1:] == [False])
                here.target.set(GREEN)
                await clock.advance(60)
                await asyncio.sleep(0.05)  # it is tried meanwhile, in vain
            await here.until_shown(GREEN)
            await asyncio.sleep(0.05)  # a late write would come now
            assert rig.shows(GREEN)

    @_with_power
    async def test_the_newest_of_many_wins_and_those_between_are_never_written(
        self, rig: Rig, around: Surroundings, clock: ManualClock
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

    def test_importing_it_touches_no_hardware_and_loads_no_light_library(self, rig: Rig) -> None:
        assert loaded(rig.kind.name) == (f"{rig.kind.name} [] [] []", "")
