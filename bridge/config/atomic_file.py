"""Small private files that are whole at every moment. Never knows what is in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_private(
    file: Path,
    text: str,
    *,
    after: Callable[[str], None] = lambda _: None,
    sync: Callable[[int], None] = os.fsync,
) -> None:
    """Replace ``file`` (mode 0600, in a 0700 folder): a power cut leaves the old or the new one.

    ``after`` is told each step that is done; ``sync`` has the disk keep an open file or folder.

    Raises:
        OSError: The disk refuses; the old file is untouched.
    """
    folder = file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        after("open")
        opened.write(text)
        opened.flush()
        after("write")
        sync(opened.fileno())
        after("sync")
    draft.replace(file)
    after("replace")
    folder_handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(folder_handle)
    finally:
        os.close(folder_handle)
