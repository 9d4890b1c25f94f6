from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers.blocking import Worker
from drivers.serial_lamp.light import REFUSED_S, REOPEN_S, SerialLight
from drivers.serial_lamp.session import Session
from tests.fakes.clock import ManualClock

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))


class FakeSession(Session):
    """Notes what is asked of it; ``error`` is raised by everything but ``close``."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.error: Exception | None = None
        self.touched = False

    def _note(self, call: object) -> None:
        if self.error:
            raise self.error
        self.calls.append(call)

    def start(self) -> None:
        self._note("start")

    def show(self, state: LightState, elapsed_s: float) -> None:
        self._note((state.color, elapsed_s))

    def beat(self, state: LightState, elapsed_s: float) -> None:
        self._note(("beat", state.color, elapsed_s))

    def changed(self) -> bool:
        return self.touched

    def beat_s(self, state: LightState, elapsed_s: float) -> float:
        return 5

    def goodbye(self) -> None:
        self._note("goodbye")

    def close(self) -> None:
        self.calls.append("close")


@asynccontextmanager
async def kept(session: FakeSession, clock: ManualClock) -> AsyncIterator[SerialLight]:
    async with Worker("desk") as worker:
        light = SerialLight(lambda: session, worker, name="desk", clock=clock, stop=Event())
        async with light.with_heartbeat():
            yield light


async def pass_time(clock: ManualClock, seconds: float) -> None:
    await clock.until_asleep()
    await clock.advance(seconds)
    await clock.until_asleep()


async def test_a_light_beats_and_says_goodbye() -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock) as light:
        await light.apply(RED)
        await pass_time(clock, 5)
        await pass_time(clock, 5)
    beats = [("beat", RED.color, 5.0), ("beat", RED.color, 10.0)]
    assert session.calls == ["start", (RED.color, 0.0), *beats, "goodbye", "close"]


async def test_a_light_that_shows_nothing_is_not_opened() -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock):
        await pass_time(clock, 86_400)
    assert session.calls == []


async def test_a_session_that_failed_is_closed_and_the_new_one_gets_everything() -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock) as light:
        await light.apply(RED)
        session.error = LightUnreachableError("pulled out")
        await pass_time(clock, 5)
        assert session.calls[-1] == "close"
        session.error = None
        session.calls.clear()
        await pass_time(clock, REOPEN_S)
        assert session.calls == ["start", (RED.color, 5 + REOPEN_S)]


async def test_a_loss_between_two_changes_is_raised_to_who_watches() -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock) as light:
        await light.apply(RED)
        assert not await light.changed_by_others()
        session.error = LightUnreachableError("pulled out")
        for _ in range(2):
            with pytest.raises(LightUnreachableError):
                await light.changed_by_others()
        session.error = None
        session.touched = True
        assert await light.changed_by_others()


async def test_a_refusal_is_not_retried_in_a_loop() -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock) as light:
        session.error = LightRefusedError("another sketch.", remedy="Upload ours.")
        with pytest.raises(LightRefusedError):
            await light.apply(RED)
        await pass_time(clock, REOPEN_S)
        tries = len(session.calls)
        await pass_time(clock, REFUSED_S - 1)
        assert len(session.calls) == tries
        session.error = None
        await light.apply(GREEN)
        assert (GREEN.color, 0.0) in session.calls


async def test_a_defect_in_the_heartbeat_is_reported_once_and_the_light_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    session, clock = FakeSession(), ManualClock()
    async with kept(session, clock) as light:
        await light.apply(RED)
        session.error = ZeroDivisionError()
        for _ in range(4):
            await pass_time(clock, 5)
        session.error = None
        session.calls.clear()
        await pass_time(clock, 60)
        await pass_time(clock, 5)
        assert "start" in session.calls
    assert caplog.text.count("Traceback") == 1
