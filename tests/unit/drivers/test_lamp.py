import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from bridge.config.tables.base import Settings
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Kind
from drivers.runtime.abilities import LOOK_EVERY_S
from drivers.runtime.lamp import MENDED_EVERY_S, Lamp
from tests.fakes.clock import ManualClock
from tests.fakes.light import (
    FadingFakeLight,
    FakeLight,
    MendableFakeLight,
    ReadableFakeLight,
    RefreshableFakeLight,
)
from tests.fakes.tasks import during

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
BLINK = LightState(color=(0, 0, 255), effect=Effect.BLINK, period_s=2)
PULSE = LightState(color=(0, 0, 255), effect=Effect.PULSE, period_s=2)


def kind(**more: object) -> Kind[Settings]:
    return Kind(name="fake", options=Settings, open=lambda *_: None, **more)  # type: ignore[arg-type]


class Bench:
    def __init__(self, light: FakeLight, of: Kind[Settings], *, watch: bool) -> None:
        self.light, self.clock = light, light.clock
        self.target: Latest[LightState | None] = Latest(None)
        self.reachable: list[bool] = []
        self.lamp = Lamp(
            light,
            of,
            name="desk",
            target=self.target,
            clock=light.clock,
            reachable=self.reachable.append,
            watch_others=watch,
            random=lambda: 1.0,
        )

    async def advance(self, seconds: float) -> None:
        assert isinstance(self.clock, ManualClock)
        await self.clock.advance(seconds)

    @property
    def writes(self) -> list[LightState]:
        return [state for _, state in self.light.written]


@asynccontextmanager
async def burning(
    light: FakeLight | None = None, *, watch: bool = False, **more: object
) -> AsyncIterator[Bench]:
    bench = Bench(light or FakeLight(ManualClock()), kind(**more), watch=watch)
    async with during(bench.lamp.run()):
        await bench.advance(0)
        yield bench


async def test_it_writes_on_change_only() -> None:
    async with burning() as bench:
        bench.target.set(RED)
        await bench.advance(600)
        bench.target.set(RED)
        await bench.advance(600)
        assert bench.writes == [RED]


async def test_a_lamp_left_alone_is_never_written() -> None:
    async with burning() as bench:
        await bench.advance(600)
        assert bench.light.tries == 0


async def test_ten_changes_to_a_slow_lamp_end_on_the_last_with_three_writes_at_most() -> None:
    light = FakeLight(ManualClock(), takes_s=0.05)
    async with burning(light, min_interval_s=0.02) as bench:
        for number in range(10):
            bench.target.set(LightState(color=(number, 0, 0)))
            await bench.advance(0.01)
        await bench.advance(1)
        assert bench.writes[-1].color == (9, 0, 0)
        assert len(bench.writes) <= 3


async def test_two_writes_are_never_closer_than_the_light_stands() -> None:
    async with burning(min_interval_s=1.0) as bench:
        for number in range(50):
            bench.target.set(LightState(color=(number, 0, 0)))
            await bench.advance(0.1)
        times = [at for at, _ in bench.light.written]
        assert all(b - a >= 1.0 - 1e-9 for a, b in pairwise(times))


async def test_a_dead_lamp_is_retried_and_gets_the_newest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with burning() as bench:
        bench.light.error = LightUnreachableError("the lamp is unplugged")
        bench.target.set(RED)
        await bench.advance(300)
        assert bench.reachable == [False] * bench.light.tries
        assert bench.light.tries < 20
        bench.target.set(GREEN)
        bench.light.error = None
        await bench.advance(61)
        assert bench.writes == [GREEN]
        assert bench.reachable[-1]
    assert caplog.text.count("the lamp is unplugged") == 1
    assert caplog.text.count("the light is back") == 1


async def test_a_lamp_that_refuses_is_reported_once_with_its_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with burning() as bench:
        bench.light.error = LightRefusedError("not paired.", remedy="Press the button.")
        bench.target.set(RED)
        await bench.advance(600)
    assert caplog.text.count("Press the button.") == 1


async def test_blink_and_pulse_move_where_the_light_cannot() -> None:
    async with burning(min_interval_s=0.05) as bench:
        bench.target.set(BLINK)
        await bench.advance(4.5)
        assert {state.on for state in bench.writes} == {True, False}
        assert len(bench.writes) == 5
        bench.target.set(PULSE)
        await bench.advance(2)
        levels = [s.brightness for s in bench.writes[6:]]
        assert min(levels) < 0.3
        assert max(levels) > 0.9


async def test_a_light_that_moves_alone_is_written_once() -> None:
    async with burning(effects=frozenset(Effect)) as bench:
        bench.target.set(PULSE)
        await bench.advance(60)
        assert bench.writes == [PULSE]


async def test_a_change_by_others_is_left_until_the_next_change() -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light, watch=True) as bench:
        bench.target.set(RED)
        await bench.advance(1)
        light.touched = True
        await bench.advance(600)
        assert bench.writes == [RED]
        bench.target.set(GREEN)
        await bench.advance(1)
        assert bench.writes == [RED, GREEN]


async def test_a_change_by_others_who_are_not_respected_is_undone() -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light) as bench:
        bench.target.set(RED)
        await bench.advance(1)
        light.touched = True
        await bench.advance(6)
        light.touched = False
        await bench.advance(600)
        assert bench.writes == [RED, RED]


async def test_a_light_that_goes_away_unasked_is_reported_and_written_when_it_is_back() -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light, watch=True) as bench:
        bench.target.set(RED)
        await bench.advance(1)
        light.error = LightUnreachableError("no power")
        await bench.advance(60)
        light.error = None
        await bench.advance(120)
        assert bench.reachable[0] is bench.reachable[-1] is True
        assert False in bench.reachable
        assert bench.writes == [RED, RED]


class PacedFakeLight(FakeLight):
    min_interval_s = 3.0


async def test_the_pace_of_an_open_light_overrides_that_of_its_kind() -> None:
    async with burning(PacedFakeLight(ManualClock()), min_interval_s=0.1) as bench:
        for state in (RED, GREEN):
            bench.target.set(state)
            await bench.advance(1)
        assert bench.writes == [RED]
        await bench.advance(2)
        assert bench.writes == [RED, GREEN]


@pytest.mark.parametrize(("on_exit", "ends"), [("restore", RED), ("off", OFF), ("keep", RED)])
async def test_it_is_left_as_wished(on_exit: str, ends: LightState) -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light) as bench:
        bench.target.set(RED)
        await bench.advance(1)
    await bench.lamp.leave(on_exit)  # type: ignore[arg-type]
    assert light.shows == ends
    assert (light.restored is not None) is (on_exit == "restore")


async def test_a_lamp_that_cannot_be_read_is_switched_off_instead_of_restored() -> None:
    async with burning() as bench:
        bench.target.set(RED)
        await bench.advance(1)
    await bench.lamp.leave("restore")
    assert bench.light.shows == OFF


async def test_a_lamp_that_was_never_touched_is_left_alone() -> None:
    async with burning() as bench:
        pass
    await bench.lamp.leave("off")
    assert bench.writes == []


@pytest.mark.parametrize("look", [RED, BLINK, PULSE], ids=["solid", "blink", "pulse"])
async def test_others_are_respected_whatever_the_look_does(look: LightState) -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light, watch=True, min_interval_s=0.05) as bench:
        bench.target.set(look)
        await bench.advance(4.3)
        light.touched = True
        await bench.advance(6)
        written = len(bench.writes)
        await bench.advance(600)
        assert len(bench.writes) == written
        light.touched = False
        bench.target.set(GREEN)
        await bench.advance(1)
        assert bench.writes[-1] == GREEN


@pytest.mark.parametrize("look", [BLINK, PULSE], ids=["blink", "pulse"])
async def test_an_animation_goes_on_over_others_who_are_not_respected(look: LightState) -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light, min_interval_s=0.05) as bench:
        bench.target.set(look)
        await bench.advance(4)
        light.touched, written = True, len(bench.writes)
        await bench.advance(4)
        assert len(bench.writes) > written


async def test_a_light_that_is_left_alone_still_reports_whether_it_is_there() -> None:
    light = ReadableFakeLight(ManualClock())
    async with burning(light, watch=True) as bench:
        bench.target.set(RED)
        await bench.advance(1)
        bench.target.set(None)
        for error in (LightUnreachableError("no power"), None, RuntimeError("a bug")):
            light.error = error
            await bench.advance(125)
            assert bench.reachable[-1] is (error is None)
        assert bench.writes == [RED]


async def test_a_light_that_cannot_be_read_is_rewritten_and_found_to_be_away() -> None:
    light = RefreshableFakeLight(ManualClock())
    async with burning(light) as bench:
        bench.target.set(RED)
        await bench.advance(60)
        times = [0.0, *light.refreshed_s]
        assert max(b - a for a, b in pairwise(times)) <= 10  # a Kuando light goes dark after 15 s
        light.error = LightUnreachableError("unplugged")
        await bench.advance(LOOK_EVERY_S)
        assert bench.reachable[-1:] == [False]
        light.error = None
        await bench.advance(120)
        assert bench.reachable[-1]
        assert bench.writes == [RED, RED]


async def test_after_hours_that_left_the_lamp_alone_the_same_look_is_rewritten() -> None:
    async with burning() as bench:
        for target in (RED, None, RED):
            bench.target.set(target)
            await bench.advance(60)
        assert bench.writes == [RED, RED]


@pytest.mark.parametrize("interval_s", [0.05, 0.7, 1.0, 1.3, 2.5])
@pytest.mark.parametrize("takes_s", [0.0, 0.3])
async def test_a_blink_never_stands_dark_however_slow_the_light(
    interval_s: float, takes_s: float
) -> None:
    light = FakeLight(ManualClock(), takes_s=takes_s)
    look = LightState(color=(255, 0, 0), effect=Effect.BLINK, period_s=1)
    async with burning(light, min_interval_s=interval_s) as bench:
        bench.target.set(look)
        await bench.advance(60)
        shown = [state.on for state in bench.writes]
        assert shown == [number % 2 == 0 for number in range(len(shown))]
        gaps = [b - a for (a, _), (b, _) in pairwise(light.written[2:])]
        assert max(gaps) - min(gaps) < 1e-6
        assert max(gaps) <= max(0.5, interval_s + takes_s) + 1e-6


async def test_the_phases_of_a_blink_do_not_drift() -> None:
    light = FakeLight(ManualClock(), takes_s=0.07)
    async with burning(light, min_interval_s=0.05) as bench:
        bench.target.set(BLINK)
        await bench.advance(600.5)
        lit = [at for at, state in light.written if state.on]
        assert lit[-1] == pytest.approx(600.07)
        assert len(lit) == 301


@pytest.mark.parametrize("slow_s", [1, 20])
async def test_some_slow_answers_do_not_slow_an_animation_for_good(slow_s: float) -> None:
    light = FakeLight(ManualClock())
    async with burning(light, min_interval_s=0.05) as bench:
        bench.target.set(BLINK)
        await bench.advance(2.5)
        light.takes_s = 4.0
        await bench.advance(slow_s)
        light.takes_s, before = 0.0, len(bench.writes)
        await bench.advance(30)
        assert len(bench.writes) - before >= 20


async def test_a_light_that_fades_is_written_twice_a_period() -> None:
    light = FadingFakeLight(ManualClock())
    async with burning(light, min_interval_s=0.25, frame_interval_s=1.0) as bench:
        bench.target.set(PULSE.model_copy(update={"period_s": 4.0}))
        await bench.advance(8.5)
        assert [state.brightness for state in bench.writes] == [1.0, 0.15, 1.0, 0.15, 1.0]
        assert set(light.fades) == {2.0}
        bench.target.set(BLINK.model_copy(update={"period_s": 0.5}))
        before = len(bench.writes)
        await bench.advance(10)
        assert len(bench.writes) - before <= 11
        assert light.fades[-1] == 0.0


async def test_what_a_person_must_mend_is_reported_although_the_lamp_was_away_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with burning() as bench:
        bench.target.set(RED)
        for error in (
            LightUnreachableError("no answer"),
            LightRefusedError("not paired.", remedy="Run: presence-driver pair desk"),
            LightUnreachableError("no answer"),
            LightRefusedError("not paired.", remedy="Run: presence-driver pair desk"),
        ):
            bench.light.error = error
            await bench.advance(200)
    assert caplog.text.count("no answer") == 1
    assert caplog.text.count("not paired. Run: presence-driver pair desk (tried again") == 1


async def test_a_light_on_a_loose_plug_is_one_piece_of_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    light = ReadableFakeLight(ManualClock())
    async with burning(light) as bench:
        bench.target.set(RED)
        await bench.advance(LOOK_EVERY_S)
        for _ in range(60):
            light.error = LightUnreachableError("unplugged")
            await bench.advance(LOOK_EVERY_S)
            light.error = None
            await bench.advance(2 * LOOK_EVERY_S)
            assert bench.reachable[-1]
        told = [record.getMessage() for record in caplog.records]
        assert told == [
            "desk: unplugged; trying again until it is back",
            "desk: the light is back",
            "desk: it comes and goes (unplugged); told again when it has stayed for a minute",
        ]
        await bench.advance(120)
        assert caplog.text.count("the light is back") == 2
        light.error = LightUnreachableError("unplugged")
        await bench.advance(LOOK_EVERY_S)
        assert caplog.text.count("trying again until it is back") == 2


async def test_a_light_that_was_mended_is_tried_at_once() -> None:
    light = MendableFakeLight(ManualClock())
    async with burning(light) as bench:
        light.error = LightRefusedError("not paired.", remedy="Pair it.")
        bench.target.set(RED)
        await bench.advance(10)
        assert light.tries == 1
        light.error, light.mended = None, True
        await bench.advance(MENDED_EVERY_S)
        assert bench.writes == [RED]


async def test_a_bug_of_a_light_is_its_own_outage_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with burning() as bench:
        bench.light.error = ZeroDivisionError()
        bench.target.set(RED)
        await bench.advance(300)
        assert bench.reachable[-1:] == [False]
        bench.light.error = None
        await bench.advance(61)
        assert bench.writes == [RED]
        assert bench.reachable[-1]
    assert caplog.text.count("internal error") == caplog.text.count("Traceback") == 1


@pytest.mark.parametrize("made", [FakeLight, ReadableFakeLight])
async def test_a_first_write_that_worked_but_was_answered_by_an_error_is_undone(
    made: type[FakeLight],
) -> None:
    class Answerless(made):  # type: ignore[misc, valid-type]
        async def apply(self, state: LightState) -> None:
            self.written.append((0.0, state))
            raise LightUnreachableError("the answer was lost")

    light = Answerless(ManualClock())
    async with burning(light) as bench:
        bench.target.set(RED)
        await bench.advance(1)
    await bench.lamp.leave("restore")
    assert light.shows == OFF if made is FakeLight else light.restored
