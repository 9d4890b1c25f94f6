"""The secrets of the page, never logged: the key that signs its sessions, and its password."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.config.web import WebSettings
from bridge.web.access.password import SALT_BYTES, PasswordHash, read_password
from bridge.web.access.sessions import KEY_BYTES

SECRET = "web_secret"  # noqa: S105 - a file name

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The secrets of one page."""

    secret: bytes
    """Signs sessions; stored in the state folder, so that a restart ends none."""
    password: PasswordHash | None


def keys_of(settings: WebSettings, state_dir: Path, random: Randomness = os.urandom) -> Keys:
    """The page's secret, and its password if it has one; takes a moment.

    Raises:
        ConfigError: The password's file cannot be read.
    """
    secret = _stored_secret(state_dir / SECRET, random)
    if settings.password_file is None:
        return Keys(secret, None)
    salt = hmac.digest(secret, b"salt", hashlib.sha256)[:SALT_BYTES]
    return Keys(secret, read_password(settings.password_file, salt))


def _stored_secret(file: Path, random: Randomness) -> bytes:
    """The secret in ``file``; a new one is stored when none there can be used."""
    try:
        stored = bytes.fromhex(file.read_text(encoding="ascii").strip())
        if len(stored) == KEY_BYTES:
            return stored
    except (OSError, ValueError):
        pass
    secret = random(KEY_BYTES)
    StateFile(file).save(secret.hex())
    return secret
