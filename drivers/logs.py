"""Logging of a driver process, which has no secret but the broker's password."""

from __future__ import annotations

import json
import logging
import os
import sys

LEVELS = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, and error where there is one."""
        event = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["error"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def set_up(level: str, style: str) -> None:
    """Send everything to stderr; ``style`` is text or json."""
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter()
        if style == "json"
        else logging.Formatter(f"{stamp}%(levelname)-7s %(message)s")
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
