"""Programs side by side: when each starts anew, and in which order all end."""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.commands.home_assistant_app import (
    LOOK_S,
    MOST_S,
    STEADY_S,
    Around,
    Program,
    programs,
    run_side_by_side,
)
from bridge.config.command_line import FAILED, OK, WRONG_USE
from bridge.config.supervisor import AppOptions
from tests.fakes.clock import ManualClock

BRIDGE = Program("the bridge", ("bridge",))
DESK = Program("lamp desk", ("desk",), needs_config=True)
DOOR = Program("lamp door", ("door",), needs_config=True)
PAIRING = Program("pairing desk", ("pair",), needs_config=True, once=True)


@dataclass
class FakeProcess(Process):
    """Ends when it is told to, unless it is ``deaf`` to that."""

    program: Program
    stage: Stage
    deaf: bool = False
    returncode: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> int:
        await self.ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end(self, code: int) -> None:
        self.returncode = code
        self.stage.said.append(f"{self.program.name} ended")
        self.ended.set()

    def terminate(self) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        if not self.deaf:
            self.end(OK)

    def kill(self) -> None:
        self.end(-9)


@dataclass
class Stage:
    """What was started, and what happened in which order."""

    config: Path
    clock: ManualClock = field(default_factory=ManualClock)
    started: list[FakeProcess] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    broken: OSError | None = None
    deaf: bool = False

    async def start(self, program: Program) -> Process:
        if self.broken:
            raise self.broken
        self.started.append(FakeProcess(program, self, deaf=self.deaf))
        return self.started[-1]

    def of(self, program: Program) -> list[FakeProcess]:
        return [each for each in self.started if each.program is program]

    @asynccontextmanager
    async def running(self, *others: Program) -> AsyncIterator[None]:
        around = Around(self.start, self.clock, lambda: 1.0, self.config, end_s=0.01)
        task = asyncio.create_task(run_side_by_side(BRIDGE, others, around, self.stop))
        try:
            await self.clock.settle()
            yield
        finally:
            self.stop.set()
            await task


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "config.toml")


@pytest.fixture
def set_up(stage: Stage) -> Stage:
    stage.config.write_text("# set up\n", encoding="utf-8")
    return stage


async def test_lamps_wait_for_the_config_that_the_set_up_writes(stage: Stage) -> None:
    async with stage.running(DESK):
        assert [each.program for each in stage.started] == [BRIDGE]
        await stage.clock.advance(600)
        assert not stage.of(DESK)
        stage.config.write_text("# set up\n", encoding="utf-8")
        await stage.clock.advance(LOOK_S)
        assert len(stage.of(DESK)) == 1


async def test_a_program_that_ends_restarts_later_and_later(set_up: Stage) -> None:
    async with set_up.running(DESK):
        waits = []
        for number in range(9):
            set_up.of(DESK)[-1].end(FAILED)
            await set_up.clock.settle()
            waits.append(set_up.clock.next_wake_s)
            await set_up.clock.advance(MOST_S)
            assert len(set_up.of(DESK)) == number + 2
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert len(set_up.of(BRIDGE)) == 1


async def test_who_lived_long_is_back_soon(set_up: Stage) -> None:
    async with set_up.running():
        for _ in range(5):
            set_up.of(BRIDGE)[-1].end(FAILED)
            await set_up.clock.advance(MOST_S)
        await set_up.clock.advance(STEADY_S)
        set_up.of(BRIDGE)[-1].end(FAILED)
        await set_up.clock.settle()
        assert set_up.clock.next_wake_s == 1


async def test_a_refused_config_is_said_once_and_looked_at_when_it_was_changed(
    set_up: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with set_up.running(DESK):
        set_up.of(DESK)[-1].end(WRONG_USE)
        await set_up.clock.advance(3_600)
        assert len(set_up.of(DESK)) == 1
        set_up.config.write_text("# mended by a person\n", encoding="utf-8")
        await set_up.clock.advance(LOOK_S)
        assert len(set_up.of(DESK)) == 2
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in said] == [
        f"lamp desk refuses its config (see above); it starts when {set_up.config} is changed"
    ]


async def test_a_config_that_changed_while_it_was_read_is_read_once_more(set_up: Stage) -> None:
    async with set_up.running(DESK):
        set_up.config.write_text("# and mended meanwhile\n", encoding="utf-8")
        set_up.of(DESK)[-1].end(WRONG_USE)
        await set_up.clock.settle()
        assert len(set_up.of(DESK)) == 2


async def test_a_pairing_runs_once_and_ends_nothing_with_it(set_up: Stage) -> None:
    async with set_up.running(DESK, PAIRING):
        set_up.of(PAIRING)[0].end(FAILED)
        await set_up.clock.advance(600)
        assert len(set_up.started) == 3


async def test_what_cannot_be_started_is_tried_later(
    set_up: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    set_up.broken = OSError(11, "Resource temporarily unavailable")
    async with set_up.running():
        set_up.broken = None
        await set_up.clock.advance(1)
        assert len(set_up.of(BRIDGE)) == 1
    assert "the bridge cannot be started: Resource temporarily unavailable" in caplog.text


async def test_lamps_end_before_the_bridge(set_up: Stage) -> None:
    async with set_up.running(DESK, DOOR, PAIRING):
        pass
    *before, last = set_up.said
    assert sorted(before) == ["lamp desk ended", "lamp door ended", "pairing desk ended"]
    assert last == "the bridge ended"


async def test_who_waits_for_the_next_try_is_not_started_at_the_stop(set_up: Stage) -> None:
    async with set_up.running(DESK):
        set_up.of(DESK)[0].end(FAILED)
        await set_up.clock.settle()
    assert len(set_up.of(DESK)) == 1


async def test_who_does_not_end_is_killed(set_up: Stage, caplog: pytest.LogCaptureFixture) -> None:
    set_up.deaf = True
    async with set_up.running(DESK):
        pass
    assert [each.returncode for each in set_up.started] == [-9, -9]
    assert "lamp desk does not stop: killing it" in caplog.text


def test_each_lamp_of_the_options_is_a_process_of_its_own() -> None:
    bridge, beside = programs(
        AppOptions(log_level="debug", lamps=("desk", "door", "desk"), pair=("desk",))
    )
    assert bridge.command[1:] == ("-P", "-m", "bridge", "run", "--log-level", "debug")
    assert [program.command[3:] for program in beside] == [
        ("drivers", "run", "desk", "--log-level", "debug"),
        ("drivers", "run", "door", "--log-level", "debug"),
        ("drivers", "pair", "desk"),
    ]
    assert [program.once for program in beside] == [False, False, True]
    assert not bridge.needs_config
