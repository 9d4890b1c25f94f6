"""Graph's ``dateTimeTimeZone`` as a moment.

The time has no offset; its zone is a name of Windows, a name of the IANA, or UTC.
Sources: Microsoft Graph documentation, "dateTimeTimeZone resource type"; for
``windows_zones.txt`` Unicode CLDR, "windowsZones" (the zone that stands for all of the world).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

YEARS = range(1970, 9999)
"""Others mean "not set" and "for ever"."""
_NAME_MOST = 64
_UTC = ("", "z", "utc", "etc/utc", "coordinated universal time")


def moment_of(value: Any) -> datetime | None:
    """The moment in UTC; ``None`` for none, and for one that nobody can know."""
    if not isinstance(value, Mapping):
        return None
    text, zone = value.get("dateTime"), value.get("timeZone")
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.year not in YEARS:
            return None
        if moment.tzinfo is None:
            known = _zone(zone) if isinstance(zone, str) else UTC
            if known is None:
                return None
            moment = moment.replace(tzinfo=known)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo | None:
    """The zone that is called ``name``; ``None`` when nobody here knows it."""
    name = " ".join(name[:_NAME_MOST].split())
    folded = name.lower().removeprefix("tzone://microsoft/")
    if folded in _UTC:
        return UTC
    try:
        return ZoneInfo(_windows().get(folded) or name)
    except (KeyError, ValueError, OSError):
        return None


@cache
def _windows() -> dict[str, str]:
    """The names of Windows in lower case, and their zones; nearly all answers have UTC."""
    table = Path(__file__).with_name("windows_zones.txt").read_text(encoding="utf-8")
    rows = (line.partition("=") for line in table.splitlines())
    return {name.lower(): zone for name, _, zone in rows}
