"""Makes folders that only their owner may enter, with all that is missing above them."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make ``folder`` where it is not there; ``mkdir`` gives its mode to none of the parents."""
    for parent in reversed(folder.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
