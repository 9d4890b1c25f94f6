"""Builds the guard of a page from ``[web]`` and the state folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.web.access.guard import Guard
from bridge.web.access.hosts import own_names
from bridge.web.access.one_time_link import OneTimeLink
from bridge.web.access.password_check import PasswordCheck
from bridge.web.access.password_file import COST, SALT_BYTES, Cost, PasswordFile
from bridge.web.access.sessions import KEY_BYTES, Sessions

SECRET = "web_secret"  # noqa: S105 - a file name
ENDED = "web_ended"
"""The sessions that were ended before their time."""


def guard_of(
    settings: WebSettings,
    state_dir: Path,
    clock: Clock,
    *,
    link: OneTimeLink | None = None,
    cost: Cost = COST,
) -> Guard:
    """The guard that ``settings`` ask for; ``state_dir`` keeps its key and what was ended.

    ``link`` opens the page once without the password, of which a guess takes ``cost``. Raises as
    ``read_password``.
    """
    secret, ended = _secret_of(state_dir / SECRET), StateFile(state_dir / ENDED)
    file, password = None, None
    if settings.password_file:
        # of a password in plain: the same after a restart, so that it ends no session
        salt = hmac.digest(secret, b"salt", hashlib.sha256)[:SALT_BYTES]
        file = PasswordFile(settings.password_file, salt, clock, cost)
        password = file.read()
    sessions = Sessions(
        f"presence_session_{settings.port}",
        secret,
        clock=clock,
        random=os.urandom,
        password_key=password.key if password else b"",
        ended=_text_of(ended.file),
        save=ended.save,
    )
    return Guard(
        settings,
        names=own_names(socket.gethostname()),
        sessions=sessions,
        ended=ended,
        password=PasswordCheck(password, clock=clock, random=os.urandom) if password else None,
        link=link,
        file=file,
    )


def _secret_of(file: Path) -> bytes:
    """What signs sessions: stored in ``file``, so that a restart ends none."""
    try:
        stored = bytes.fromhex(_text_of(file))
    except ValueError:
        stored = b""
    if len(stored) == KEY_BYTES:
        return stored
    secret = os.urandom(KEY_BYTES)
    StateFile(file).save(secret.hex())
    return secret


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
