from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.contract.latest import Latest
from bridge.contract.presence import Activity, Availability
from bridge.web.data.history import History
from bridge.web.data.snapshot import Person, Snapshot
from bridge.web.live import FLOOD, TICK_S, WITHIN_S, Live
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import NOON, person, service


class Stage:
    """A page that shows what ``show`` gave it ``seconds`` later."""

    def __init__(self, live: Live, view: Latest[Snapshot], clock: ManualClock) -> None:
        self.live, self._view, self._clock = live, view, clock

    async def show(self, *people: Person, seconds: float = 2 * WITHIN_S) -> None:
        self._view.set(Snapshot(service(), people))
        await self._clock.advance(seconds)

    async def strips(self) -> str:
        return (await self.live.parts("")).sections["today"]


@asynccontextmanager
async def staged(file: Path) -> AsyncIterator[Stage]:
    clock, view = ManualClock(), Latest(Snapshot(service()))
    live = Live(view, History(file, clock), worker=None, clock=clock, zone=None)
    await live.load()
    running = [asyncio.ensure_future(work()) for work in (live.follow, live.tick)]
    yield Stage(live, view, clock)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await live.close()


async def test_a_read_without_a_change_redraws_no_strip(tmp_path: Path) -> None:
    async with staged(tmp_path / "history.jsonl") as stage:
        await stage.show(person())
        before = await stage.strips()
        for seconds in (10, 20):
            await stage.show(person(polled_at=NOON + timedelta(seconds=seconds)), seconds=seconds)
        assert await stage.strips() is before


@pytest.mark.parametrize(
    "news",
    [
        person("alice", Availability.AWAY, Activity.AWAY),
        replace(person(), name="Alice B."),
        person("bob"),
    ],
    ids=["changed", "renamed", "somebody-else"],
)
async def test_a_change_draws_the_strips_at_once(tmp_path: Path, news: Person) -> None:
    async with staged(tmp_path / "history.jsonl") as stage:
        await stage.show(person(), seconds=10)
        before = await stage.strips()
        await stage.show(news)
        assert await stage.strips() != before


async def test_strips_move_on_each_minute(tmp_path: Path) -> None:
    async with staged(tmp_path / "history.jsonl") as stage:
        await stage.show(person())
        before = await stage.strips()
        await stage.show(person(), seconds=TICK_S)
        assert await stage.strips() != before


async def test_news_right_after_other_news_is_shown_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path / "history.jsonl") as stage:
        await stage.show(person())
        for availability in (Availability.AWAY, Availability.BUSY, Availability.AVAILABLE):
            await stage.show(person("alice", availability), seconds=0)
            (shown,) = stage.live.shown.value.people
            assert shown.presence is not None
            assert shown.presence.availability is availability


async def test_of_a_flood_of_news_the_newest_is_shown_now_and_then(tmp_path: Path) -> None:
    async with staged(tmp_path / "history.jsonl") as stage:
        await stage.show(person())
        before = stage.live.shown.version
        for number in range(200):
            await stage.show(person(polled_at=NOON + timedelta(seconds=number)), seconds=0.01)
        shown = stage.live.shown.version - before
        assert FLOOD <= shown <= FLOOD * (1 + 200 * 0.01 / WITHIN_S)
        await stage.show(person("alice", Availability.BUSY))
        (newest,) = stage.live.shown.value.people
        assert newest.presence is not None
        assert newest.presence.availability is Availability.BUSY
