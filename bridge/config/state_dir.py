"""The state folder: private, and used by one bridge at a time."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.config.atomic_file import make_private
from bridge.config.state_file import StateFile
from bridge.config.systemd import ALIVE, READY, notify
from bridge.config.unreadable_file import chown_command, owner_of, this_user
from bridge.contract.clock import Clock
from bridge.contract.errors import ConfigError

log = logging.getLogger(__name__)

HEARTBEAT = "heartbeat"
"""Touched while the process lives; a container's health check looks at its age."""
HEARTBEAT_EVERY_S = 10.0
EPOCH = "epoch"
"""Orders what is published before and after a start."""
LEADER = "leader.json"
"""What this node of ``[standby]`` said last when it served."""
LOCK = "lock"
"""Locked by the bridge that works on the folder."""


class StateInUseError(ConfigError):
    """Another bridge works on this state folder."""


TAKES_NOTHING = {errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""Read-only, full, or broken."""


def touch(file: Path, _: str) -> None:
    """Set the time of ``file``, as a ``write`` of ``StateFile``: no content, no wear of a card."""
    make_private(file.parent)
    file.touch(mode=0o600)


async def beat(
    folder: Path,
    clock: Clock,
    also: Callable[[], None] = lambda: None,
    *,
    name: str = HEARTBEAT,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Show that the event loop lives, and do ``also`` each time, until cancelled.

    By the file ``name``, and to systemd, for which the process is ready with the first beat.
    """
    heartbeat = StateFile(folder / name, write=touch)
    notify(READY, environ=environ)
    while True:
        heartbeat.save("")
        notify(ALIVE, environ=environ)
        also()
        await clock.sleep(HEARTBEAT_EVERY_S)


def _make_lock(folder: Path) -> int:
    make_private(folder)
    _tighten(folder)
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def locked(folder: Path, *, make: Callable[[Path], int] = _make_lock) -> Iterator[Path]:
    """Make ``folder`` (mode 0700) and lock it for this process.

    A disk that takes nothing is no reason not to start: what lies there can be read.

    Raises:
        StateInUseError: Another process has locked it.
        ConfigError: It cannot be made or written.
    """
    with ExitStack() as stack:
        try:
            lock = make(folder)
        except OSError as error:
            if error.errno not in TAKES_NOTHING:
                raise refused(folder, error) from error
            log.warning("%s: %s; nothing is remembered over a restart", folder, error.strerror)
        else:
            stack.callback(os.close, lock)
            _lock(lock, folder)
        yield folder


def _lock(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StateInUseError(
            [f"state_dir: {folder} is used by another running bridge: stop one of the two"]
        ) from None


def in_use(folder: Path) -> bool:
    """Whether a bridge runs on ``folder`` now. Only looks: nothing is made or changed."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise refused(folder, error) from error
    try:  # shared: two who ask do not see each other
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def refused(folder: Path, error: OSError) -> ConfigError:
    """What a person reads of ``error`` on the state folder."""
    remedy, me = "", this_user()
    if isinstance(error, PermissionError):
        remedy = "; run this as the user of the service, who must own that folder"
        owner = owner_of(folder)
        if owner == me and os.access(folder / LOCK, os.F_OK):
            remedy = f"; {LOCK} in it belongs to {owner_of(folder / LOCK)}: {chown_command(folder)}"
        elif owner != me and os.access(folder, os.F_OK):
            remedy = f"{remedy} and not {owner}; if that is {me}: {chown_command(folder)}"
    return ConfigError([f"state_dir: {folder}: {error.strerror}{remedy}"])


def _tighten(folder: Path) -> None:
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077 and folder.stat().st_uid == os.geteuid():
        folder.chmod(mode & 0o700)
        log.warning("%s was open to others (%o): now only its owner can open it", folder, mode)
