"""Writes files so that a kill or a power cut leaves the old one or the new one, whole.

And makes the folders around them, for their owner alone or for everybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

PRIVATE = 0o600

Sync = Callable[[int], None]
After = Callable[[str], None]


def make_private(folder: Path) -> None:
    """Make ``folder`` where it is not there; ``mkdir`` gives its mode to none of the parents."""
    for parent in reversed(folder.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those above it, so that everybody can enter, whatever the umask is."""
    if not folder.is_dir():
        if not folder.parent.exists():
            make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        with suppress(PermissionError):
            folder.chmod(0o755)


def write_private(
    file: Path, text: str, *, after: After = lambda _: None, sync: Sync = os.fsync
) -> None:
    """Replace ``file`` (mode 0600, in a 0700 folder); where that fails, the old one is untouched.

    ``after`` is called with the name of each step that is done; ``sync`` writes an open file or
    folder to the disk.
    """
    folder = file.parent
    make_private(folder)
    _replace(file, text, PRIVATE, after=after, sync=sync)
    folder_handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(folder_handle)
    finally:
        os.close(folder_handle)


def write_public(file: Path, text: str, *, mode: int) -> None:
    """Replace ``file``: an old one keeps its mode, and a link leads to what it led to."""
    file = file.resolve()
    _replace(file, text, S_IMODE(file.stat().st_mode) if file.exists() else mode)


def is_there(file: Path) -> bool:
    """Whether ``file`` has any content: an empty one is what a full disk left."""
    return file.exists() and file.stat().st_size > 0


def write_new(file: Path, text: str, *, mode: int) -> str:
    """Write ``file`` if there is none; a line for the person."""
    if is_there(file):
        return f"kept  {file}"
    write_public(file, text, mode=mode)
    return f"made  {file}"


def write_in_place(file: Path, text: str) -> None:
    """Let ``file`` be ``text`` where no new file may take its place; blank lines may follow it.

    Lines end as they did.
    """
    before, content = file.read_bytes(), text.replace("\r\n", "\n").encode()
    if b"\r\n" in before:
        content = content.replace(b"\n", b"\r\n")
    with file.open("r+b", buffering=0) as opened:
        padding = b"\n" * max(0, len(before) - len(content))
        opened.write(content + padding)
        os.fsync(opened.fileno())
        opened.truncate(len(content))


def _replace(
    file: Path, text: str, mode: int, *, after: After = lambda _: None, sync: Sync = os.fsync
) -> None:
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        after("open")
        opened.write(text)
        opened.flush()
        after("write")
        sync(opened.fileno())
        after("sync")
        if S_IMODE(os.fstat(opened.fileno()).st_mode) != mode:  # whatever the umask is
            with suppress(PermissionError):  # a share without modes
                os.fchmod(opened.fileno(), mode)
    draft.replace(file)
    after("replace")
