"""Text files that people write with any editor: encodings, line ends, whether one changed."""

from __future__ import annotations

import codecs
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Stamp = tuple[int, ...]


class EncodingError(ValueError):
    """A file's encoding cannot be guessed; the text says in which line, and the cure."""


def read_text(file: Path) -> str:
    """What is in ``file``: UTF-8, or UTF-16 that says so by its mark; lines end as Unix has it."""
    content = file.read_bytes()
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EncodingError(f"line {line} is not in UTF-8; save the file as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_secret(file: Path) -> str:
    """The first line of ``file``, where a password or key stands. Raises as ``read_text``."""
    return read_text(file).partition("\n")[0].strip()


def stamp_of(file: Path) -> Stamp | None:
    """Changes with ``file``, whatever is done to it; ``None`` while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
