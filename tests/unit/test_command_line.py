"""Where ``--config`` may stand on the command lines of both programs."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import cli
from drivers import cli as driver_cli

BRIDGE = """
[microsoft]
tenant = "contoso.com"
client_id = "11111111-2222-3333-4444-555555555555"
[accounts.alice]
[drivers.desk]
kind = "console"
follow = ["alice"]
"""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command sets it up for the whole process: later tests would read more lines than theirs."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def file(tmp_path: Path) -> str:
    file = tmp_path / "right.toml"
    file.write_text(BRIDGE, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    "line",
    [
        "--config {0} consent-url",
        "consent-url --config {0}",
        "--config={0} consent-url",
        "--log-level debug --config {0} consent-url alice",
        "--config nowhere.toml consent-url --config {0}",
        "--config nowhere.toml --config {0} consent-url",
        "--conf {0} consent-url",
    ],
)
def test_the_bridge_takes_it_before_or_after_the_command_and_the_last_counts(
    line: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line.format(file).split()) == 0
    assert "/contoso.com/adminconsent" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        "--config {0} preview desk",
        "preview desk --config {0}",
        "preview --config {0} desk",
        "--config={0} preview desk",
        "--log-format json --config {0} preview desk",
        "--config nowhere.toml preview desk --config {0}",
    ],
)
def test_a_driver_too(line: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*line.format(file).split(), "--presence", "busy/in_a_call"]
    assert driver_cli.main(words) == 0
    assert "in_a_call" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["--config {0} lamp", "lamp --config {0}", "--config={0} lamp", "--config {0} run lamp"]
)
def test_a_driver_is_run_by_its_name_alone(
    line: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert driver_cli.main(line.format(file).split()) == 2
    assert "config: drivers.lamp: " in capsys.readouterr().err


@pytest.mark.parametrize("main", [cli.main, driver_cli.main])
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["-h"]])
def test_help_and_version_stand_alone(
    main: Callable[[list[str]], int], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert not left.value.code
    out, err = capsys.readouterr()
    assert out
    assert not err


@pytest.mark.parametrize("program", ["bridge", "drivers"])
def test_each_package_is_a_program(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    "line", ["--config", "accounts --config", "--config x", "--colour red accounts"]
)
def test_what_is_not_whole_is_wrong_use(line: str) -> None:
    for main in (cli.main, driver_cli.main):
        with pytest.raises(SystemExit) as left:
            main(line.split())
        assert left.value.code == 2


def test_without_a_lamp_in_the_config_an_example_is_previewed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(BRIDGE.partition("[drivers.desk]")[0], encoding="utf-8")
    words = ["--config", str(file), "preview", "desk", "--presence", "busy/in_a_call"]
    assert driver_cli.main(words) == 0
    shown, *_, note = capsys.readouterr().out.splitlines()
    assert shown.startswith("#ff0000")
    assert note.startswith("An example: the config has no lamp yet.")

    assert driver_cli.main(["--config", str(file), "desk"]) == 2
    assert "drivers.desk: the config has no lamp yet" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--at", "--presence", "--manual"])
def test_each_option_of_preview_is_explained_with_an_example(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        driver_cli.main(["preview", "desk", "--help"])
    explained = capsys.readouterr().out.partition("options:")[2].partition(option)[2]
    assert re.search(r"2026-11-23 08:59|busy/in_a_call|#ff0000", explained.split("  --")[0])
