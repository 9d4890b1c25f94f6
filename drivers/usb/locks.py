"""Which USB device is whose, among the drivers of one state folder.

Equal lights without serial numbers cannot be told apart, and not every system keeps a second
program from opening one that is open.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

from bridge.config.atomic_file import make_private

LetGo = Callable[[], None]


def lock(folder: Path, place: bytes) -> LetGo | None:
    """Lock the device at ``place`` on the bus; ``None`` when another driver has it.

    The lock is on a file in ``folder`` and ends with its process, however that ends. Where no file
    can be written nothing can be locked, and everything is free.
    """
    try:
        make_private(folder)
        file = folder / f"{sha256(place).hexdigest()[:16]}.lock"
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return nothing
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system without locks
        os.close(handle)
        return nothing
    return partial(os.close, handle)


def nothing() -> None:
    """Let nothing go: nothing was locked."""
