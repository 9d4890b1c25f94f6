"""Whether a file was written, without reading it."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, ...]


def stamp_of(file: Path) -> Stamp | None:
    """Changes with ``file``, whatever is done to it; ``None`` while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
