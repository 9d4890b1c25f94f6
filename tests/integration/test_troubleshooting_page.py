"""Lines about owners, time zones and clocks stand in docs/troubleshooting.md as they are said."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.config import state_dir
from bridge.config.tables.config import Config
from bridge.config.time_zone import with_zone
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import ConfigError
from bridge.contract.wire import AccountState
from bridge.setup.owners import BRIDGE, Need
from drivers.presence.bridge_clock import BridgeClock
from tests.fakes.clock import ManualClock
from tests.fakes.other_user import NOBODY, as_nobody, let_in, only_root

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def stands_in_a_row(line: str) -> bool:
    return f"| `{line}` |" in PAGE


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe/Berlln"])
def test_a_zone_that_is_none_and_time_zone_counts_first(name: str) -> None:
    config = Config.model_validate({"state_dir": "state"})
    with pytest.raises(ConfigError) as caught:
        with_zone(config, {"TZ": name})
    (problem,) = caught.value.problems
    line, _, _ = problem.replace(name, "…").partition("; did you mean ")
    assert stands_in_a_row(line.partition(": use a name")[0])
    chosen = config.model_copy(update={"time_zone": "Europe/Berlin"})
    assert with_zone(chosen, {"TZ": name}) is chosen


def test_two_clocks_that_are_apart(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    heard = BridgeClock(clock)
    stamps = [clock.now() - timedelta(minutes=6, seconds=ago) for ago in (1, 0)]
    nothing = dict.fromkeys(AccountState.model_fields)
    states = [AccountState.model_validate({**nothing, "polled_at": stamp}) for stamp in stamps]
    with caplog.at_level(logging.WARNING):
        heard.receive(states[0], None, stored=True)
        heard.receive(states[1], states[0], stored=False)
    assert stands_in_a_row(caplog.messages[0].partition(": ")[0])


def test_a_file_that_no_container_can_read(tmp_path: Path) -> None:
    file = tmp_path / "own.key"
    file.touch(mode=0o600)
    owner = f"user {file.stat().st_uid}"
    said = str(Need(file, BRIDGE)).replace(str(file), "…").replace(owner, "user 1000")
    assert stands_in_a_row(said)


@only_root
def test_what_root_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with state_dir.locked(folder):
        let_in(folder)
    file = folder / "alice.json"
    file.touch(mode=0o600)
    os.chown(folder, NOBODY, NOBODY)
    with as_nobody():
        with pytest.raises(ConfigError) as caught:
            state_dir.in_use(folder)
        with pytest.raises(PermissionError) as refused:
            file.read_bytes()
        why = unreadable(file, refused.value).why
    said, _, command = caught.value.problems[0].partition("lock")
    assert said.startswith("state_dir: ")
    assert stands_in_a_row(f"state_dir: … lock{command.partition(': ')[0]}: …")
    end = why.rpartition("which ")[2]
    assert stands_in_a_row(f"The stored sign-in cannot be read: … {end}")
