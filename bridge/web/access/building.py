"""Builds the guard of a page from ``[web]`` and the state folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.web.access.cookies import Cookies
from bridge.web.access.guard import Guard
from bridge.web.access.hosts import own_names
from bridge.web.access.keys import salt_of, secret_of
from bridge.web.access.one_time_link import OneTimeLink
from bridge.web.access.password import COST, Cost
from bridge.web.access.password_check import PasswordCheck
from bridge.web.access.password_file import PasswordFile
from bridge.web.access.sessions import Sessions

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

    ``link`` opens the page once without the password, of which a guess takes ``cost``.

    Raises:
        ConfigError: The password's file cannot be read.
    """
    secret, ended = secret_of(state_dir, os.urandom), StateFile(state_dir / ENDED)
    file = None
    if settings.password_file:
        file = PasswordFile(settings.password_file, salt_of(secret), clock, cost)
    password = file.read() if file else None
    sessions = Sessions(
        secret,
        password_key=password.key if password else b"",
        ended=_text_of(ended.file),
        save=ended.save,
    )
    return Guard(
        settings,
        names=own_names(socket.gethostname()),
        cookies=Cookies(
            f"presence_session_{settings.port}", sessions, clock=clock, random=os.urandom
        ),
        ended=ended,
        password=PasswordCheck(password, clock=clock, random=os.urandom) if password else None,
        link=link,
        file=file,
    )


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
