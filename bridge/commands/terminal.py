"""The terminal of a command: what it prints, what is typed into it, which account it names."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from bridge.config.tables.config import Config
from bridge.contract.account import Letter
from bridge.contract.errors import ConfigError

NAMED_MOST = 10
"""So many names stand in a refusal; a table can have thousands of people."""
CHUNK_BYTES = 65_536
ANSWER_S = 60.0
"""A terminal that nobody sits at, as in a detached screen, answers nothing."""


def say(line: str) -> None:
    """Print a line at once, also where the output is a pipe."""
    print(line, flush=True)  # noqa: T201 - the command's answer


def letter_text(letter: Letter) -> str:
    """A message to the admin between two lines, to be copied."""
    line = "-" * 72
    return f"A message for your admin:\n{line}\nSubject: {letter.subject}\n\n{letter.body}\n{line}"


def chosen_account(config: Config, account: str | None) -> str:
    """The slug of ``account``, or of the only one there is. Raises ``ConfigError`` for another."""
    if account is None and len(config.accounts) == 1:
        return next(iter(config.accounts))
    if account in config.accounts:
        return account
    names = list(config.accounts)
    known = ", ".join(names[:NAMED_MOST]) or "none; add [accounts.NAME] to the config"
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    question = "which account?" if account is None else f"there is no account {account!r};"
    raise ConfigError([f"accounts: {question} known: {known}{more}"])


@contextmanager
def typed_lines(stream: TextIO | None) -> Iterator[asyncio.Queue[str]]:
    """The lines that are typed or pasted into ``stream`` meanwhile, without the empty ones.

    Where there is nothing to wait for (``/dev/null``, a file, a closed input) no line ever comes.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()
    rest = b""

    def read() -> None:
        nonlocal rest
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except OSError:  # the terminal is gone
            chunk = b""
        if not chunk:
            loop.remove_reader(descriptor)
        *whole, rest = (rest + (chunk or b"\n")).split(b"\n")
        for line in whole:
            if text := line.decode(errors="replace").strip():
                lines.put_nowait(text)

    try:
        descriptor = stream.fileno() if stream else -1
        loop.add_reader(descriptor, read)
    except (OSError, ValueError):
        yield lines
        return
    try:
        yield lines
    finally:
        loop.remove_reader(descriptor)


def typed_line(question: str, *, stream: TextIO | None = None, within_s: float = ANSWER_S) -> str:
    """Ask on the terminal; the line that is typed, and nothing when none comes in time."""
    stream = stream or sys.stdin
    print(question, end="", flush=True)  # noqa: T201 - a question
    ready, _, _ = select.select([stream], [], [], within_s)
    if not ready:
        say("")
        return ""
    return stream.readline()
