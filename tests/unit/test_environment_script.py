"""What ``scripts/environment`` lets through of pip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = (Path(__file__).parents[2] / "scripts" / "environment").read_text(encoding="utf-8")
PIP = """#!/bin/sh
echo "[notice] A new release of pip is available"
echo "WARNING: Retrying after a connection that broke" >&2
exit {code}
"""
OURS = "pip installs the locked packages into .venv (once, a minute or less) ...\n"


@pytest.mark.parametrize("code", [0, 1])
def test_pip_is_quiet_unless_it_fails(tmp_path: Path, code: int) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "environment").write_text(SCRIPT, encoding="utf-8")
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PIP.format(code=code), encoding="utf-8")
    python.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", "source scripts/environment; presence_environment demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(OURS)
    assert (done.stderr == OURS) is (code == 0)
    assert bool(list((tmp_path / ".venv").glob(".installed-demo-*"))) is (code == 0)
