"""A private copy of what is stored, to try a sign-in on. It never outlives the process.

A sign-in may be renewed while it is tried, and files of the service must not become those of
whoever asks.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from bridge.config.tables.config import Config
from bridge.contract.errors import PersonMustActError
from bridge.microsoft.sign_in.token_cache import token_file

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is a folder of our own, mode 0700
"""Where a copy never reaches a disk."""
PLACES = (IN_MEMORY, None)
"""Where a copy is made, best first; ``None`` is wherever this user has temporary files."""


@contextmanager
def private_copy(config: Config, places: Sequence[Path | None] = PLACES) -> Iterator[Config]:
    """``config`` with a copy of what is stored; what cannot be read is not in it.

    Raises ``PersonMustActError`` where there is no place for it.
    """
    copied = _made(config, places)
    forget = partial(shutil.rmtree, copied.state_dir, ignore_errors=True)
    atexit.register(forget)  # a worker whose answer comes late makes the folder anew
    try:
        yield copied
    finally:
        forget()


def _made(config: Config, places: Sequence[Path | None]) -> Config:
    reason: str | None = None
    for place in places:
        folder = None
        try:
            folder = Path(mkdtemp(prefix=f"presence-doctor-{os.getpid()}-", dir=place))
            return _filled(config, folder)
        except OSError as error:
            reason = error.strerror
            if folder:
                shutil.rmtree(folder, ignore_errors=True)
    raise PersonMustActError(
        f"no place for a private copy of the stored sign-ins: {reason}",
        remedy="Set TMPDIR to a folder that this user may write, on a disk that is not full.",
    )


def _filled(config: Config, folder: Path) -> Config:
    token_files = [token_file(config, slug) for slug in config.accounts]
    for file in (config.state_dir / "pauses.json", *token_files):
        copy = folder / file.relative_to(config.state_dir)
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            content = file.read_bytes()
        except OSError:
            continue
        copy.write_bytes(content)
    return config.model_copy(update={"state_dir": folder})
