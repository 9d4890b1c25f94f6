"""People of a large table: it says until when they are current, and nobody repeats them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.contract.light import OFF
from drivers.presence.following import CONNECTION_EVERY_S, LEFT_AFTER_S
from drivers.rules import DEFAULT_LOOKS
from tests.unit.drivers.bench import Bench

RED, GREEN = DEFAULT_LOOKS["busy"].state(), DEFAULT_LOOKS["available"].state()
UNKNOWN = DEFAULT_LOOKS["unknown"].state()
FRESH = "presence/table/team/fresh"
STARTED = {"state": "offline", "polled_at": None, "valid_until": None, "epoch": None}


def told(bench: Bench, state: str = "online", *, lives_s: float = 300.0, epoch: int = 7) -> None:
    """The bridge has read the table just now."""
    now = bench.clock.now()
    valid_until = (now + timedelta(seconds=lives_s)).isoformat()
    payload = {"state": state, "polled_at": now.isoformat(), "valid_until": valid_until}
    bench.broker.tell(FRESH, payload | {"epoch": epoch, "problem": None})


def person(bench: Bench, presence: str, account: str = "alice", *, epoch: int = 7) -> None:
    bench.person(presence, account, table="team", valid_until=None, epoch=epoch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_who_does_not_change_is_shown_for_as_long_as_the_table_is_read(bench: Bench) -> None:
    person(bench, "busy")
    told(bench)
    async with bench.running():
        for _ in range(10):
            await bench.clock.advance(120)
            assert bench.light.shows == RED
            told(bench)
        await bench.clock.advance(290)
        assert bench.light.shows == RED
        await bench.clock.advance(20)
        assert bench.light.shows == UNKNOWN
        assert bench.rule == "the presence is too old"


async def test_a_person_is_shown_only_when_the_table_was_heard(bench: Bench) -> None:
    person(bench, "busy")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.light.shows == UNKNOWN
        told(bench)
        await bench.clock.advance(1)
        assert bench.light.shows == RED
        bench.broker.tell(FRESH, "")
        await bench.clock.advance(1)
        assert bench.light.shows == UNKNOWN


async def test_a_table_that_is_not_current_says_so_before_its_time_is_over(bench: Bench) -> None:
    person(bench, "busy")
    told(bench)
    async with bench.running():
        told(bench, "offline")
        await bench.clock.advance(1)
        assert bench.light.shows == UNKNOWN


async def test_after_a_restart_nothing_old_is_shown_before_all_was_sent(bench: Bench) -> None:
    """A bridge that has not read yet says so without a moment; it comes behind an older life."""
    person(bench, "busy")
    told(bench)
    async with bench.running():
        bench.broker.tell(FRESH, STARTED)
        await bench.clock.advance(1)
        assert bench.light.shows == UNKNOWN
        person(bench, "available", epoch=8)
        told(bench, epoch=8)
        await bench.clock.advance(1)
        assert bench.light.shows == GREEN


async def test_a_restart_while_the_way_of_the_lamp_was_cut_is_believed_too(bench: Bench) -> None:
    person(bench, "busy")
    told(bench)
    async with bench.running():
        for session in list(bench.broker.sessions):
            bench.broker.lose(session)
        bench.broker.tell(FRESH, STARTED)
        for _ in range(10):
            await bench.clock.advance(1)
        assert bench.broker.sessions
        assert bench.light.shows == UNKNOWN


async def test_an_older_word_of_the_table_does_not_make_anybody_older(bench: Bench) -> None:
    person(bench, "busy", epoch=8)
    told(bench, epoch=8)
    async with bench.running():
        told(bench, lives_s=-60, epoch=7)
        await bench.clock.advance(1)
        assert bench.light.shows == RED


async def test_garbage_on_the_table_changes_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    person(bench, "busy")
    told(bench)
    async with bench.running():
        bench.broker.tell(FRESH, "{")
        await bench.clock.advance(1)
        assert bench.light.shows == RED
    assert FRESH in caplog.text


async def test_a_table_that_became_small_is_followed_by_each_state(bench: Bench) -> None:
    person(bench, "busy")
    told(bench)
    async with bench.running():
        bench.person("busy", epoch=7)
        bench.broker.tell(FRESH, "")
        await bench.clock.advance(1)
        assert bench.light.shows == RED


async def test_silence_about_who_does_not_change_forgets_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=[])
    person(bench, "busy")
    told(bench)
    async with bench.running():
        for _ in range(5):
            await bench.clock.advance(LEFT_AFTER_S)
            told(bench)
            assert bench.light.shows == RED


async def test_who_was_removed_while_the_way_was_cut_is_forgotten(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=[])
    person(bench, "busy")
    person(bench, "available", "bob")
    told(bench)
    async with bench.running():
        for _ in range(3):
            await bench.clock.advance(CONNECTION_EVERY_S)
        assert bench.light.shows == RED
        for session in list(bench.broker.sessions):
            bench.broker.lose(session)
        for topic in [topic for topic in bench.broker.stored if "/alice/" in topic]:
            del bench.broker.stored[topic]
        for _ in range(40):
            await bench.clock.advance(10)
            told(bench)
        assert bench.light.shows == GREEN
        assert bench.light.shows != OFF
