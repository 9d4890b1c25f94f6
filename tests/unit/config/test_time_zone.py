"""Which zone hours go by, as it is written into config.toml, compose files and shells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.config.loader import check
from bridge.config.tables.config import Config
from bridge.config.tables.shared import HostConfig
from bridge.config.time_zone import (
    clock_of_hours,
    has_hours,
    with_zone,
    with_zone_of_hours,
    zone_of,
)
from bridge.contract.errors import ConfigError
from tests.fakes.rows import rows

NOW = datetime(2026, 11, 26, 16, 9, tzinfo=UTC)
HOST = HostConfig(state_dir=Path("/nowhere"))


@rows(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        ('"Europe/Berlin"', "Europe/Berlin"),
        ("'America/Argentina/Buenos_Aires'", "America/Argentina/Buenos_Aires"),
        (" Asia/Kolkata ", "Asia/Kolkata"),
        ("UTC", "UTC"),
        ("", None),
        ('""', None),
        ("CET-1CEST,M3.5.0,M10.5.0/3", None),
        ("<+0330>-3:30", None),
        ("GMT+2", None),
    ],
)
def test_a_zone_is_understood_with_what_env_files_leave_around_it(
    text: str, name: str | None
) -> None:
    assert zone_of(text) == name
    assert with_zone(HOST, {"TZ": text}).time_zone == name


def test_a_file_is_left_to_the_system_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif")
    assert zone_of(f":{tmp_path}/localtime") is None
    with pytest.raises(ValueError, match="a file that is not there"):
        zone_of(f"{tmp_path}/nowhere")


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("Europe/Berlni", "did you mean Europe/Berlin?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ('"Europe/Berlin', None),
        ("Europe", "is not a time zone"),
        ("W. Europe Standard Time", "is not a time zone"),
        ("${TZ}", "is not a time zone"),
        ("../etc/passwd", "is not a time zone"),
    ],
)
def test_what_means_no_zone_is_refused_with_the_cure(text: str, cure: str | None) -> None:
    if cure is None:
        assert zone_of(text) == "Europe/Berlin"
        return
    with pytest.raises(ConfigError) as wrong:
        with_zone(HOST, {"TZ": text})
    (problem,) = wrong.value.problems
    assert problem.startswith("TZ: ")
    assert cure in problem


def test_the_config_wins_and_a_bad_variable_is_nothing_then() -> None:
    config = HOST.model_copy(update={"time_zone": "Europe/Paris"})
    assert with_zone(config, {"TZ": "Europe/Berlni"}) is config


def bridge(hours: str) -> Config:
    table = {"tenant": "contoso.com", "client_id": "11111111-2222-3333-4444-555555555555"}
    accounts = {"alice": {"hours": {"hours": hours}} if hours else {}}
    return check({"microsoft": table, "accounts": accounts}, folder=Path(), environ={})


def test_a_bridge_asks_for_its_zone_only_where_somebody_has_hours() -> None:
    wrong = {"TZ": "Europe/Berlni"}
    assert with_zone_of_hours(bridge(""), wrong).time_zone is None
    assert not has_hours(bridge(""))
    with pytest.raises(ConfigError):
        with_zone_of_hours(bridge("08:00-18:00"), wrong)
    config = with_zone_of_hours(bridge("08:00-18:00"), {"TZ": '"Europe/Berlin"'})
    assert config.zone is not None
    assert config.folder == bridge("").folder


def test_it_is_said_by_which_clock_hours_go() -> None:
    berlin = HOST.model_copy(update={"time_zone": "Europe/Berlin"})
    assert clock_of_hours(berlin, NOW) == "hours go by Europe/Berlin: there it is Thu 17:09"
    assert "the machine's own clock" in clock_of_hours(HOST, NOW)
    assert "set time_zone" in clock_of_hours(HOST, NOW)
