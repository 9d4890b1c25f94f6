"""Which time zone the machine says it is in. Never changes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")
_FOLDER = "/zoneinfo/"
_NOWHERE = ("UTC", "Etc/UTC", "Etc/UCT", "Etc/GMT", "GMT", "Universal", "Zulu")
"""What machines and images say that were never told."""


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def known_zone(environ: Mapping[str, str], localtime: Path = LOCALTIME) -> str | None:
    """What ``TZ`` or the link at ``localtime`` says, when it is the name of a place."""
    said = environ.get("TZ", "").strip("'\"").removeprefix(":")
    if not said and localtime.is_symlink():
        said = str(localtime.readlink()).rpartition(_FOLDER)[2]
    return said if said and said not in _NOWHERE and is_zone(said) else None
