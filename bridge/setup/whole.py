"""Writes files that are whole at every moment: a kill leaves the old one or the new one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those above it, so that everybody can enter, whatever the umask is."""
    if not folder.is_dir():
        if not folder.parent.exists():
            make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        with suppress(PermissionError):
            folder.chmod(0o755)


def is_there(file: Path) -> bool:
    """Whether ``file`` holds anything: an empty one is what a full disk left."""
    return file.exists() and file.stat().st_size > 0


def write_new(file: Path, text: str, *, mode: int) -> str:
    """Write ``file`` if there is none; a line for the person."""
    if is_there(file):
        return f"kept  {file}"
    replace(file, text, mode=mode)
    return f"made  {file}"


def replace(file: Path, text: str, *, mode: int) -> None:
    """Let ``file`` be ``text``; an old one keeps its mode, and a link leads to what it led to."""
    file = file.resolve()
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
        wanted = S_IMODE(file.stat().st_mode) if file.exists() else mode
        if S_IMODE(os.fstat(opened.fileno()).st_mode) != wanted:  # whatever the umask is
            with suppress(PermissionError):  # a share without modes
                os.fchmod(opened.fileno(), wanted)
    draft.replace(file)


def write_in_place(file: Path, text: str) -> None:
    """Let ``file`` be ``text`` where no new file may take its place; blank lines may follow it."""
    content = text.encode()
    with file.open("r+b", buffering=0) as opened:
        padding = b"\n" * max(0, file.stat().st_size - len(content))
        opened.write(content + padding)
        os.fsync(opened.fileno())
        opened.truncate(len(content))
