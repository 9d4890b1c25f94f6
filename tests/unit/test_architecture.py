"""The page about the structure names files that are there, and its picture shows the imports."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
ROOMS = ("bridge", "drivers")


def test_every_file_that_the_pages_name_is_there() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"`((?:[a-z_]+/)*[a-z_0-9]+(?:\.py|/))`", page.read_text("utf-8"))
    }
    assert len(named) > 30
    gone = [
        path
        for path in sorted(named)
        if not any((ROOT / room / path[1]).exists() for room in ("", *ROOMS))
        and not list(ROOT.glob(f"bridge/**/{path[1]}"))
    ]
    assert gone == []


def test_the_picture_shows_the_imports() -> None:
    looked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "rooms", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert looked.returncode == 0, looked.stdout + looked.stderr
