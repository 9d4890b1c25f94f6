"""What the page of the demo shows of the days before it began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.contract.presence_kind import Kind
from bridge.demo.past import past_week
from bridge.web.data.history import History
from tests.fakes.clock import ManualClock


@pytest.mark.parametrize("hour", [3, 9, 15, 23])
def test_the_bridge_reads_a_week_of_working_days_without_a_gap(tmp_path: Path, hour: int) -> None:
    clock = ManualClock(datetime(2026, 11, 26, hour, 30, tzinfo=UTC))
    file = tmp_path / "history.jsonl"
    file.write_text(past_week("alice", clock), encoding="utf-8")
    history = History(file, clock)
    history.load()
    now = clock.now()
    day = list(history.spans("alice", now - timedelta(hours=24), now))
    assert {span.kind for span in day} == set(Kind) - {Kind.UNKNOWN}
    week = list(history.spans("alice", now - timedelta(days=7), now))
    assert Kind.UNKNOWN not in {span.kind for span in week}
    assert sum(span.kind is Kind.CALL for span in week) > 7
    assert week[-1].end == now
