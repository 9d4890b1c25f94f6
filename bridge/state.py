"""The state folder: private, and used by one bridge at a time. Never knows what lies in it."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.contract.errors import ConfigError

log = logging.getLogger(__name__)

HEARTBEAT = "heartbeat"
"""Touched while the service lives; a container's health check looks at its age."""
HEARTBEAT_EVERY_S = 10.0


class StateInUseError(ConfigError):
    """Another bridge works on this state folder."""


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Make ``folder`` (mode 0700) and hold it for this process.

    Raises:
        StateInUseError: Another process holds it.
        ConfigError: It cannot be made or written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tighten(folder)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError([f"state_dir: {folder}: {error.strerror}"]) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StateInUseError(
            [f"state_dir: {folder} is used by another running bridge: stop one of the two"]
        ) from None
    try:
        yield folder
    finally:
        os.close(lock)


def in_use(folder: Path) -> bool:
    """Whether a bridge runs on ``folder`` now."""
    if not (folder / "lock").exists():
        return False
    try:
        with claimed(folder):
            return False
    except StateInUseError:
        return True


def _tighten(folder: Path) -> None:
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077 and folder.stat().st_uid == os.geteuid():
        folder.chmod(mode & 0o700)
        log.warning("%s was open to others (%o): now only its owner may look in", folder, mode)
