"""The key that signs the sessions of the page, and what follows from it; never logged."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.web.access.password import SALT_BYTES
from bridge.web.access.sessions import KEY_BYTES

SECRET = "web_secret"  # noqa: S105 - a file name

Randomness = Callable[[int], bytes]


def secret_of(state_dir: Path, random: Randomness) -> bytes:
    """What signs sessions: stored in ``state_dir``, so that a restart ends none."""
    file = state_dir / SECRET
    try:
        stored = bytes.fromhex(file.read_text(encoding="ascii").strip())
        if len(stored) == KEY_BYTES:
            return stored
    except (OSError, ValueError):
        pass
    secret = random(KEY_BYTES)
    StateFile(file).save(secret.hex())
    return secret


def salt_of(secret: bytes) -> bytes:
    """For a password that is written in plain: the same after a restart, so that it ends none."""
    return hmac.digest(secret, b"salt", hashlib.sha256)[:SALT_BYTES]
