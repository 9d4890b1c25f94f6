"""The Unix socket in the state folder, by which commands on this machine reach the service.

Its mode is the permission: whoever may read the folder's secrets may ask.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "commands.sock"
LONGEST = 100
"""Bytes of an address; Linux takes 107 (unix(7)), others a few less."""
BACKLOG = 16


@contextmanager
def address(folder: Path) -> Iterator[Path]:
    """Where the socket of the state folder ``folder`` is; a short name of a long path.

    Raises:
        OSError: The folder is not there, or not for this user.
    """
    path = folder.absolute() / NAME
    if len(os.fsencode(path)) <= LONGEST:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}") / NAME
    finally:
        os.close(descriptor)


@contextmanager
def bound(folder: Path) -> Iterator[socket.socket]:
    """A socket for this user alone; one that a killed service left is replaced.

    Only for the process that owns the state folder: the socket is removed at the end.

    Raises:
        OSError: The disk refuses, or something else has the name.
    """
    with (
        address(folder) as path,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening,
    ):
        _remove(path)
        listening.bind(str(path))
        try:
            path.chmod(0o600)  # before it listens: nobody connects meanwhile
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise PermissionError(None, "others could use a socket on that disk")
            listening.settimeout(0)
            listening.listen(BACKLOG)
            yield listening
        finally:
            with suppress(OSError):
                _remove(path)


def is_there(folder: Path) -> bool:
    """Whether a socket has the name."""
    try:
        return stat.S_ISSOCK((folder / NAME).lstat().st_mode)
    except OSError:
        return False


def _remove(path: Path) -> None:
    """Take a socket away; anything else stays and is in the way of ``bind``."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
