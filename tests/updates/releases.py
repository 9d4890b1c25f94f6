"""Two releases of this repository: the one before all came into one folder, and this one."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "updating.md"
BASE = "PRESENCE_TRIAL_BASE"
MOVED_WITH = "bridge/setup/moving.py"
"""The file whose first commit is the first of the new layout."""


def git(*words: str | Path, folder: Path = ROOT) -> str:
    """What git says."""
    name = ("-c", "user.name=trial", "-c", "user.email=trial@localhost")
    done = subprocess.run(
        ["git", *name, *words], cwd=folder, check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout.strip()


def last_release() -> str | None:
    """The commit before the move, or another that was given; none without the history of git."""
    if given := os.environ.get(BASE):
        return given
    added = git("log", "--diff-filter=A", "--format=%H", "--", MOVED_WITH).split()
    before = git("rev-list", "--parents", "-1", added[-1]).split()[1:] if added else []
    return before[0] if before else None


def export(ref: str, folder: Path) -> None:
    """The files of ``ref``, without git."""
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar")
    git("archive", "--output", archive, ref)
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)


def lines_of(title: str, *, after: str = "") -> list[str]:
    """The commands below a heading of the page: of the first block that follows ``after``."""
    text = re.search(rf"(?ms)^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"))
    assert text, f"{PAGE.name} has no {title!r}"
    rest = text[1].partition(after)[2] if after else text[1]
    block = re.search(r"(?m)(?:^ {4}\S.*\n)+", rest)
    assert block, f"{PAGE.name}: no command below {title!r} {after!r}"
    return [line.strip() for line in block[0].splitlines()]
