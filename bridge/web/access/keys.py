"""The secrets of the page, never logged: the key that signs its sessions, and its password."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.config.tables.web import WebSettings
from bridge.web.access.password import SALT_BYTES, PasswordHash, read_password
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


def password_of(settings: WebSettings, secret: bytes) -> PasswordHash | None:
    """The page's password, if it has one; takes a moment. Raises as ``read_password``."""
    if settings.password_file is None:
        return None
    salt = hmac.digest(secret, b"salt", hashlib.sha256)[:SALT_BYTES]
    return read_password(settings.password_file, salt)
