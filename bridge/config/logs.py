"""Logging for people, journals and machines; it never lets a secret through, whoever logs it."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

Format = Literal["text", "json"]

LEVELS = ("debug", "info", "warning", "error")

_REMOVED = "[removed]"
_SECRETS = (
    # Authorization headers, in whatever case a library prints them
    re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{8,}"),
    # JSON Web Tokens: three base64url parts, the first always begins with {" in base64
    re.compile(r"()\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"),
    # fields of the OAuth and MQTT worlds, in query strings, JSON and Python's own notation
    re.compile(
        r"(?i)((?:access_token|refresh_token|id_token|client_secret|client_assertion|device_code|"
        r"code_verifier|passphrase|passwor[dt]|passwd|secret)[\"']?\s*[=:]\s*[\"']?)"
        r"(?!\[removed\])[^\s\"'&,;}{)]+"
    ),
    # user and password in an address
    re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@:]+:[^\s/@]+(?=@)"),
)

_LIBRARIES = {
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
    "msal": logging.CRITICAL,
}
"""Libraries whose lines are about themselves; msal also returns what it logs as errors, and its
debug lines have device codes."""


def redact(text: str) -> str:
    """``text`` without tokens, passwords and credentials in addresses."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{_REMOVED}", text)
    return text


class TextFormatter(logging.Formatter):
    """One line an event; the time is left to a journal that stamps lines itself."""

    def __init__(self, *, stamped: bool) -> None:
        super().__init__(
            "%(asctime)s %(levelname)-7s %(message)s" if stamped else "%(levelname)-7s %(message)s"
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted; a traceback follows on its own lines."""
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, redacted."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            event["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(event, ensure_ascii=False)


def set_up(level: str, style: Format, *, under_journal: bool = False) -> None:
    """Send everything to stderr in one format. ``level`` is one of ``LEVELS``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if style == "json" else TextFormatter(stamped=not under_journal)
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(least)


def set_level(level: str) -> None:
    """Change the level while the service runs; ``ValueError`` for none of ``LEVELS``."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}")
    logging.getLogger().setLevel(level.upper())
    logging.getLogger(__name__).info("log level is now %s", level)


def level() -> str:
    """The level in force, as in ``LEVELS``."""
    return logging.getLevelName(logging.getLogger().level).lower()
