"""Pauses that Microsoft asked for, kept over a restart."""

from __future__ import annotations

import json
import logging
import stat
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.budget import Budget
from bridge.microsoft.pauses import Pauses
from tests.fakes.clock import ManualClock

KEY = "app tenant"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pauses.json"


def budget_of(pauses: Pauses, clock: ManualClock, key: str = KEY) -> Budget:
    return Budget(clock, blocked_until=pauses.end_of(key), save=partial(pauses.save, key))


def started(file: Path, clock: ManualClock, key: str = KEY) -> Budget:
    return budget_of(Pauses(file, clock), clock, key)


async def test_a_pause_goes_on_after_a_restart_and_ends_in_time(
    file: Path, clock: ManualClock
) -> None:
    before = Pauses(file, clock)
    budget_of(before, clock).block(120)
    await before.close()
    await clock.advance(50)
    again = started(file, clock)
    with pytest.raises(SourceUnavailableError) as caught:
        await again.take()
    assert caught.value.retry_after_s == 70
    await clock.advance(70)
    await again.take()
    assert started(file, clock).blocked_until is None


async def test_a_clock_that_was_set_back_over_a_restart_makes_no_pause_longer(
    file: Path, clock: ManualClock
) -> None:
    before = Pauses(file, clock)
    budget_of(before, clock).block(30)
    await before.close()
    corrected = ManualClock(clock.now() - timedelta(minutes=50))
    again = started(file, corrected)
    assert again.blocked_until == corrected.now() + timedelta(seconds=30)
    await corrected.advance(31)
    await again.take()


def test_a_pause_of_the_last_release_is_kept(file: Path, clock: ManualClock) -> None:
    until = clock.now() + timedelta(seconds=90)
    file.parent.mkdir()
    file.write_text(json.dumps({KEY: until.isoformat()}), encoding="utf-8")
    assert started(file, clock).blocked_until == until


def test_a_pause_is_of_one_app_in_one_tenant(file: Path, clock: ManualClock) -> None:
    started(file, clock).block(120)
    started(file, clock, "other tenant").block(60)
    assert started(file, clock).blocked_until == clock.now() + timedelta(seconds=120)
    assert started(file, clock, "other tenant").blocked_until == clock.now() + timedelta(seconds=60)
    assert started(file, clock, "third").blocked_until is None


async def test_what_is_over_leaves_the_file(file: Path, clock: ManualClock) -> None:
    pauses = Pauses(file, clock)
    budget_of(pauses, clock, "long ago").block(5)
    await clock.advance(6)
    budget_of(pauses, clock).block(120)
    await pauses.close()
    assert keys(file) == [KEY]


def keys(file: Path) -> list[str]:
    return list(json.loads(file.read_text(encoding="utf-8")))


def test_the_file_is_private(file: Path, clock: ManualClock) -> None:
    started(file, clock).block(120)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["pauses.json"]


@pytest.mark.parametrize(("ahead_s", "counts"), [(3600, True), (3601, False), (0, False)])
def test_more_than_an_hour_ahead_is_not_believed(
    file: Path, clock: ManualClock, ahead_s: float, *, counts: bool
) -> None:
    until = clock.now() + timedelta(seconds=ahead_s)
    Pauses(file, clock).save(KEY, until)
    assert started(file, clock).blocked_until == (until if counts else None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"app tenant": 7}',
        b'{"app tenant": null}',
        b'{"app tenant": "soon"}',
        b'{"app tenant": "2026-11-23T09:01:00"}',
        b'{"app tenant": []}',
        b'{"app tenant": ["2026-11-23T09:01:00+00:00", 7]}',
        b'{"app tenant": "0001-01-01T00:00:00+00:00"}',
        b"[" * 200_000,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_garbage_is_no_pause_and_is_replaced(
    file: Path, clock: ManualClock, content: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    budget = started(file, clock)
    assert budget.blocked_until is None
    budget.block(120)
    assert started(file, clock).blocked_until == budget.blocked_until


def test_a_disk_that_refuses_costs_only_the_memory(
    file: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("a file where the folder should be", encoding="utf-8")
    budget = started(file, clock)
    budget.block(120)
    assert budget.blocked_until == clock.now() + timedelta(seconds=120)
    assert "pauses.json cannot be written" in caplog.text


def test_the_end_is_the_same_in_memory_and_on_disk_and_an_hour_away_at_the_most(
    file: Path, clock: ManualClock
) -> None:
    budget = started(file, clock)
    budget.block(86_400)
    hour = clock.now() + timedelta(hours=1)
    assert budget.blocked_until == started(file, clock).blocked_until == hour


async def test_a_disk_that_comes_back_is_written_to_with_one_line_each(
    file: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file.parent.write_text("a file where the folder should be", encoding="utf-8")
    pauses = Pauses(file, clock)
    for key in ("one", "two", "three"):
        budget_of(pauses, clock, key).block(120)
        await pauses.close()
    file.parent.unlink()
    budget_of(pauses, clock, "four").block(120)
    await pauses.close()
    assert keys(file) == ["four", "one", "three", "two"]
    assert caplog.text.count("pauses.json cannot be written") == 1
    assert caplog.text.count("pauses.json is written again") == 1
