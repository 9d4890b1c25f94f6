"""Makes files and folders that are missing, and keeps what a person wrote."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bridge.config.atomic_file import write_public


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those above it, so that everybody can enter, whatever the umask is."""
    if not folder.is_dir():
        if not folder.parent.exists():
            make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        with suppress(PermissionError):
            folder.chmod(0o755)


def is_there(file: Path) -> bool:
    """Whether ``file`` has any content: an empty one is what a full disk left."""
    return file.exists() and file.stat().st_size > 0


def write_new(file: Path, text: str, *, mode: int) -> str:
    """Write ``file`` if there is none; a line for the person."""
    if is_there(file):
        return f"kept  {file}"
    write_public(file, text, mode=mode)
    return f"made  {file}"
