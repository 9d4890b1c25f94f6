"""Random stories of the whole bridge and whole lamps; ``scripts/world`` plays more of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.options import Options
from tests.world.play import play
from tests.world.shrink import shrink
from tests.world.story import Step, tell

SEEDS, PARTS = 48, 6
ROOT = Path(__file__).parents[2]


def test_a_change_reaches_the_lamp() -> None:
    """Somebody signs in by a device code, is called, and the lamp shows it."""
    options = Options(0)
    verdict = play(options, [Step(100, "presence", "person0", "Busy/InACall")])
    assert verdict.problem is None, verdict
    assert any("activity in_a_call (alice)" in line.text for line in verdict.lines)


def test_the_same_story_runs_the_same_way_twice() -> None:
    options = Options(1, people=2, watched=2, lamps=2, lasts_s=120, faults=("microsoft", "link"))
    first, second = (play(options, tell(options)) for _ in range(2))
    assert first.digest == second.digest


def test_a_story_without_what_its_problem_does_not_need() -> None:
    needed = {7, 31}
    assert shrink(50, lambda places: needed <= set(places)) == [7, 31]


@pytest.mark.long
@pytest.mark.timeout(600)  # six seconds where nothing else runs
@pytest.mark.parametrize("first", range(1, SEEDS, SEEDS // PARTS))
def test_many_seeds(first: int) -> None:
    """In a process of its own: sets of texts must be walked as ``scripts/world`` walks them."""
    seeds = ("--seeds", str(SEEDS // PARTS), "--from", str(first), "--jobs", "1")
    played = subprocess.run(
        [sys.executable, "-m", "tests.world", "--brief", "--no-shrink", *seeds],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
