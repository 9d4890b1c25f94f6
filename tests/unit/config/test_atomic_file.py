"""A private file is on the disk before it takes the place of the old one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bridge.config.atomic_file import write_private


def test_the_disk_has_file_and_folder_before_it_is_done(tmp_path: Path) -> None:
    file, steps = tmp_path / "lights" / "desk.json", list[str]()

    def sync(handle: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        steps.append("folder is kept" if is_folder else "file is kept")

    write_private(file, "{}", after=steps.append, sync=sync)
    assert steps == ["open", "write", "file is kept", "sync", "replace", "folder is kept"]
    assert file.read_text() == "{}"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
