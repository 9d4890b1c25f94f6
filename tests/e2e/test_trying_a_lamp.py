"""``presence-driver test`` and ``list`` as a person uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DRIVER = [sys.executable, "-m", "drivers"]


def tried(folder: Path, driver: str) -> subprocess.CompletedProcess[str]:
    config = folder / "config.toml"
    config.write_text(f'state_dir = "state"\n[drivers.desk]\nfollow = ["alice"]\n{driver}')
    return subprocess.run(
        [*DRIVER, "test", "desk", "--seconds", "0.02", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_look_is_named_and_shown(tmp_path: Path) -> None:
    done = tried(tmp_path, 'kind = "console"')
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[lines.index("in_a_call") + 1].endswith("desk  #ff0000 pulse every 2 s")
    assert "available" in lines


def test_a_lamp_that_never_showed_anything_is_a_failure(tmp_path: Path) -> None:
    done = tried(tmp_path, f'kind = "serial"\nport = "{tmp_path}/none"')
    assert done.returncode == 1
    assert "desk showed nothing: the lines above say why" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_goes_away_gets_no_traceback() -> None:
    with subprocess.Popen(
        [*DRIVER, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listing:
        assert listing.stdout
        listing.stdout.close()
        _, complaint = listing.communicate(timeout=60)
    assert "Traceback" not in complaint
    assert listing.returncode == 1
