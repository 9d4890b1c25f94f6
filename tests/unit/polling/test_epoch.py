import logging
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.polling import Epoch
from tests.fakes.clock import START, ManualClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "epoch"


def test_each_start_counts_up_also_with_a_clock_that_was_set_back_by_years(file: Path) -> None:
    first = Epoch.begun(file, ManualClock()).value
    early = ManualClock(START - timedelta(days=2000))
    assert [Epoch.begun(file, early).value for _ in range(2)] == [first + 1, first + 2]


def test_a_lost_folder_makes_it_no_smaller(file: Path, tmp_path: Path) -> None:
    first = Epoch.begun(file, ManualClock()).value
    later = ManualClock(START + timedelta(seconds=5))
    assert Epoch.begun(tmp_path / "other" / "epoch", later).value > first


def test_a_clock_that_is_set_back_counts_up_once_for_all_who_ask(file: Path) -> None:
    clock = ManualClock()
    epoch = Epoch.begun(file, clock)
    first = epoch.value
    assert epoch.at(clock.now()) == first
    clock.jump_wall(60)
    assert epoch.at(clock.now()) == first
    clock.jump_wall(-3600)
    assert [epoch.at(clock.now()) for _ in range(3)] == [first + 1] * 3
    assert Epoch.begun(file, clock).value == first + 2, "it was kept"


def test_it_is_raised_above_a_higher_one_that_somebody_published(file: Path) -> None:
    epoch = Epoch.begun(file, ManualClock())
    own = epoch.value
    assert not epoch.raise_above(own - 1)
    assert not epoch.raise_above(-1)
    assert not epoch.raise_above(10**30), "no number that a reader could hold"
    assert epoch.value == own
    assert epoch.raise_above(own), "their times may be later than ours"
    assert epoch.raise_above(own + 1000)
    assert epoch.value == own + 1001


@pytest.mark.parametrize("content", [b"soon", b"\xff", b"-3", b"9" * 9000, b"", b"1.5"])
def test_garbage_counts_on_from_the_clock(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert Epoch.begun(file, ManualClock()).value == int(START.timestamp())


async def test_a_disk_that_refuses_costs_only_the_memory(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file.parent.write_text("a file where the folder should be", encoding="utf-8")
    epoch = Epoch.begun(file, ManualClock())
    await epoch.close()
    epoch.raise_above(epoch.value + 1)
    await epoch.close()
    assert caplog.text.count("cannot be written") == 1
