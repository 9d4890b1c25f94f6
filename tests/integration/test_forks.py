"""A program that is a fork is the program that starts from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.fakes.forks import Forks


@pytest.mark.parametrize(
    "words",
    [
        ("bridge", "--version"),
        ("bridge", "reload", "--config", "nowhere.toml"),
        ("bridge", "sing"),
        ("drivers", "list"),
        ("drivers", "preview", "desk", "--presence", "busy"),
    ],
)
def test_it_says_the_same_and_ends_the_same_way(
    forks: Forks, tmp_path: Path, words: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", *words]
    environ = {**os.environ, "HOME": str(tmp_path)}
    assert forks.takes(command, environ)
    fork = forks.run(command, environ=environ, cwd=tmp_path)
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    fresh = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path
    )
    assert (fork.returncode, fork.stdout, fork.stderr) == (
        fresh.returncode,
        fresh.stdout,
        fresh.stderr,
    )


def test_it_is_a_process_of_its_own(forks: Forks, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "drivers", "test", "desk", "--seconds", "60"]
    config = tmp_path / "config.toml"
    config.write_text('state_dir = "state"\n[drivers.desk]\nkind = "console"\nfollow = ["a"]\n')
    with tempfile.TemporaryFile() as log:
        program = forks.start(words, environ=os.environ, err=log.fileno(), cwd=tmp_path)
        assert program.stdout
        with program.stdout:
            assert program.stdout.readline()
            assert program.poll() is None
            assert Path(f"/proc/{program.pid}/cwd").resolve() == tmp_path
            program.send_signal(signal.SIGKILL)
            assert program.wait(30) == -signal.SIGKILL
            program.send_signal(signal.SIGKILL)  # nobody is hit who has its number now


def test_what_asks_for_another_python_starts_from_nothing(forks: Forks) -> None:
    words = [sys.executable, "-m", "bridge", "--version"]
    assert not forks.takes(words, {**os.environ, "PYTHONWARNINGS": "error"})
    assert not forks.takes(["bash", "-c", "true"], os.environ)
