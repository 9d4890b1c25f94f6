from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.presence import Activity, Availability
from bridge.contract.presence_kind import Kind
from bridge.web.data.history import ALIVE_EVERY_S, KEPT, PEOPLE, Change, History
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Person
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import person

HOUR_S = 3600.0


def busy(account: str = "alice") -> Person:
    return person(account, Availability.BUSY, Activity.BUSY)


def away(account: str = "alice") -> Person:
    return person(account, Availability.AWAY, Activity.AWAY)


def unknown(account: str = "alice") -> Person:
    return person(account, fresh=False)


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def kinds(history: History, *people: Person) -> list[tuple[str, float]]:
    """Kind and hours of each span of the first of ``people``."""
    [day, *_] = history.days(people or (busy(),))
    return [(span.kind, span.seconds / HOUR_S) for span in day.spans]


async def test_a_day_is_described_without_gaps(clock: ManualClock, file: Path) -> None:
    history = History(file, clock)
    assert history.note([busy()])
    await clock.advance(2 * HOUR_S)
    assert history.note([away()])
    assert not history.note([away()])
    await clock.advance(HOUR_S)
    assert kinds(history) == [("unknown", 21), ("busy", 2), ("away", 1)]
    [day] = history.days([busy()])
    assert day.seconds(Kind.BUSY) == 2 * HOUR_S


async def test_a_restart_forgets_nothing_and_makes_nothing_up(
    clock: ManualClock, file: Path
) -> None:
    first = History(file, clock)
    first.load()
    first.note([busy()])
    await clock.advance(HOUR_S)
    first.beat()
    await first.close()
    await clock.advance(3 * HOUR_S)  # nobody runs

    second = History(file, clock)
    second.load()
    second.note([away()])
    await clock.advance(HOUR_S)
    assert kinds(second) == [("unknown", 19), ("busy", 1), ("unknown", 3), ("away", 1)]


async def test_a_beat_is_written_only_when_nothing_else_was(clock: ManualClock, file: Path) -> None:
    history = History(file, clock)
    history.beat()
    history.beat()
    await history.close()
    assert len(lines(file)) == 1
    await clock.advance(ALIVE_EVERY_S)
    history.note([busy()])
    history.beat()
    await history.close()
    assert len(lines(file)) == 2


async def test_seven_days_are_kept(clock: ManualClock, file: Path) -> None:
    history = History(file, clock)
    history.load()
    for day in range(10):
        history.note([busy() if day % 2 else away()])
        history.note([busy("gone")] if day == 0 else [unknown("gone")])
        await clock.advance(24 * HOUR_S)
    history.tidy()
    await history.close()
    written = [json.loads(line) for line in lines(file)]
    oldest = (clock.now() - KEPT).isoformat()
    # one older change stays: it says what was when the seven days began
    assert [line["at"] < oldest for line in written].count(True) <= 1
    assert {line.get("account") for line in written} == {"alice", None}
    assert not history.days([unknown("gone")])


def test_broken_lines_are_left_out(clock: ManualClock, file: Path) -> None:
    begun, ended = ((clock.now() - timedelta(hours=hours)).isoformat() for hours in (2, 1))
    good = {"at": begun, "account": "alice", "kind": "busy"}
    written = [
        json.dumps(good),
        '{"at": "2026-11-2',
        "[]",
        "7",
        '{"at": "yesterday"}',
        '{"at": "2026-11-23T10:00:00", "account": "no-zone", "kind": "busy"}',
        json.dumps({**good, "kind": "dancing"}),
        json.dumps({**good, "account": 7}),
        json.dumps({"at": ended}),
    ]
    file.write_bytes("\n".join(written).encode() + b"\n\xff\xfe\n")
    history = History(file, clock)
    history.load()
    assert kinds(history) == [("unknown", 22), ("busy", 1), ("unknown", 1)]


def test_who_was_never_seen_has_no_strip_and_there_is_a_limit(
    clock: ManualClock, file: Path
) -> None:
    history = History(file, clock)
    history.note([unknown()])
    assert not history.days([unknown()])
    crowd = [busy(f"p{n}") for n in range(PEOPLE + 10)]
    history.note(crowd)
    assert len(history.days(crowd)) == PEOPLE


async def test_the_file_is_private_and_holds_no_message(clock: ManualClock, file: Path) -> None:
    history = History(file, clock)
    history.note([person(says="secret plans")])
    await history.close()
    assert mode(file) == 0o600
    assert "plans" not in "".join(lines(file))
    history.tidy()
    await history.close()
    assert mode(file) == 0o600


async def test_what_a_disk_refuses_is_written_when_it_takes_it(
    clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "folder" / "history.jsonl"
    (tmp_path / "folder").write_text("in the way")
    history = History(file, clock)
    for person_now in (busy(), away(), busy()):
        history.note([person_now])
        await history.close()
        await clock.advance(1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    (tmp_path / "folder").unlink()
    await history.close()
    assert "is written again" in caplog.records[1].getMessage()
    assert [json.loads(line).get("kind") for line in lines(file)] == ["busy", "away", "busy", None]
    history.note([away()])
    await history.close()
    assert json.loads(lines(file)[-1])["kind"] == "away"


@given(
    changes=st.lists(st.tuples(st.integers(0, 60 * 36), st.sampled_from(Kind)), max_size=30),
)
def test_spans_fill_the_day_whatever_happened(changes: list[tuple[int, Kind]]) -> None:
    clock = ManualClock()
    history = History(Path("never-written"), clock)
    start = clock.now() - timedelta(hours=36)
    history._changes["alice"] = [
        Change(start + timedelta(minutes=minute), kind)
        for minute, kind in sorted(changes, key=lambda change: change[0])
    ]
    day_start = clock.now() - timedelta(hours=24)
    spans = list(history.spans("alice", day_start, clock.now()))
    assert spans[0].start == day_start
    assert spans[-1].end == clock.now()
    for before, after in pairwise(spans):
        assert before.end == after.start
        assert before.kind is not after.kind
    assert all(span.seconds > 0 for span in spans)


async def test_a_week_has_its_own_days_also_where_the_clock_is_put_back(
    file: Path,
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    clock = ManualClock(datetime(2026, 10, 20, 6, 0, tzinfo=UTC))
    history = History(file, clock)
    for _ in range(6):
        history.note([busy()])
        await clock.advance(2 * HOUR_S)
        history.note([away()])
        await clock.advance(22 * HOUR_S)
    week = history.week(busy(), Calendar.at(clock.now(), berlin))
    assert [f"{day.start.astimezone(berlin):%a %H:%M}" for day in week] == [
        f"{name} 00:00" for name in ("Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon")
    ]
    assert [day.seconds(Kind.BUSY) / HOUR_S for day in week] == [2] * 6 + [0]
    assert [(day.end - day.start).total_seconds() / HOUR_S for day in week] == [24] * 5 + [25, 24]
    assert week[0].seconds(Kind.UNKNOWN) == 8 * HOUR_S  # midnight to eight: nobody ran
    assert week[-1].spans[-1].end == clock.now()
