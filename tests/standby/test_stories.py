"""Two real bridges on a real Mosquitto; ``python -m tests.standby`` plays many more stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.standby.__main__ import play
from tests.standby.pair import Office


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", ["cut", "slow", "both", "broker"])
async def test_a_pair_of_processes_outlives(fault: str, office: Office, tmp_path: Path) -> None:
    story = await play(1, office, tmp_path, faults=1, only=(fault,), lasts_s=40.0)
    assert not story.found, story.done
