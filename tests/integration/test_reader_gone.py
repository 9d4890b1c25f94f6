"""Commands whose reader has gone, as in ``presence-driver test desk | head``: no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = '[drivers.desk]\nkind = "console"\n'


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("drivers", ["test", "desk", "--seconds", "0"]),
        ("drivers", ["preview", "desk", "--presence", "busy"]),
        ("drivers", ["list"]),
        ("bridge", ["init"]),
        ("bridge", ["doctor"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else part,
)
def test_a_command_whose_reader_has_gone_ends_with_no_word(
    package: str, words: list[str], tmp_path: Path
) -> None:
    if words != ["init"]:
        (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    readable, writable = os.pipe()
    os.close(readable)
    try:
        done = subprocess.run(
            [sys.executable, "-m", package, *words],
            stdout=writable,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writable)
    assert (done.returncode, done.stderr) == (1, "")
