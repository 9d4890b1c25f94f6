"""Somebody without root's powers, for as long as a block lasts: root may read every file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@contextmanager
def as_nobody() -> Iterator[None]:
    """All threads of this process act as ``nobody``; files that are made belong to them."""
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def let_in(path: Path) -> None:
    """Let everybody reach ``path``, which lies in a folder of pytest's."""
    for folder in path.parents:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o001)


def mode(path: Path, bits: int) -> Path:
    """Change the mode of ``path``."""
    path.chmod(bits)
    return path


def give(path: Path, uid: int = NOBODY) -> None:
    """Let ``path`` and all within belong to ``uid``."""
    for each in (path, *path.rglob("*")):
        os.chown(each, uid, uid, follow_symlinks=False)
