"""Whose clock hours and schedules go by: ``time_zone``, else ``TZ``, else the machine's own.

The C library takes a ``TZ`` that it does not know for UTC and says nothing, also where only quotes
from an environment file are too much or the image has no zones. So it is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bridge.config.tables.base import is_zone
from bridge.config.tables.shared import HostConfig
from bridge.contract.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config.tables.config import Config

C = TypeVar("C", bound=HostConfig)

LOCALTIME = Path("/etc/localtime")
_FOLDER = "/zoneinfo/"
_NOWHERE = ("UTC", "Etc/UTC", "Etc/UCT", "Etc/GMT", "GMT", "Universal", "Zulu")
"""What machines and images say that nobody has set."""
_RULE = re.compile(r"(?:[A-Za-z]{3,}|<[\w+-]+>)[+-]?\d{1,2}(?::\d{2}){0,2}(?:[A-Za-z<].*)?")
"""As in ``CET-1CEST,M3.5.0,M10.5.0/3`` (POSIX.1, "Environment Variables", TZ)."""


def zone_of(text: str) -> str | None:
    """The zone that a ``TZ`` of ``text`` names; ``None`` for a rule, a file, or nothing at all."""
    name = text.strip().strip("\"'").strip().removeprefix(":")
    if not name or _RULE.fullmatch(name):
        return None
    if name.startswith("/"):
        if Path(name).is_file():
            return None
        raise ValueError(f"{text!r} names a file that is not there: use a name as Europe/Berlin")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is not a time zone{_near(name)}") from None


def machine_zone(environ: Mapping[str, str], localtime: Path = LOCALTIME) -> str | None:
    """What ``TZ`` or the link at ``localtime`` says, when it is the name of a place."""
    said = environ.get("TZ", "").strip("'\"").removeprefix(":")
    if not said and localtime.is_symlink():
        said = str(localtime.readlink()).rpartition(_FOLDER)[2]
    return said if said and said not in _NOWHERE and is_zone(said) else None


def with_zone(config: C, environ: Mapping[str, str]) -> C:
    """``config``, which has hours, with the zone that ``TZ`` names where it has none itself.

    Raises:
        ConfigError: ``TZ`` cannot be meant; no hour would begin when people think it does.
    """
    if config.time_zone:
        return config
    try:
        name = zone_of(environ.get("TZ", ""))
    except ValueError as error:
        raise ConfigError([f"TZ: {error}"]) from None
    return config.model_copy(update={"time_zone": name}) if name else config


def with_zone_of_hours(config: Config, environ: Mapping[str, str]) -> Config:
    """The same for the bridge, where an account has hours. Raises as ``with_zone``."""
    return with_zone(config, environ) if has_hours(config) else config


def has_hours(config: Config) -> bool:
    """Whether an account has any."""
    return any(table.hours for table in config.accounts.values())


def clock_of_hours(config: HostConfig, now: datetime) -> str:
    """By which clock they go, for the log."""
    local = now.astimezone(config.zone)
    if config.time_zone:
        return f"hours go by {config.time_zone}: there it is {local:%a %H:%M}"
    return (
        f"hours go by the machine's own clock: it is {local:%a %H:%M}, UTC{local:%z}; "
        'set time_zone = "Europe/Berlin" or the like if that is not yours'
    )


def _near(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong one needs it

    known = {zone.casefold(): zone for zone in available_timezones()}
    near = get_close_matches(name.casefold(), list(known), n=1)
    return f"; did you mean {known[near[0]]}?" if near else ": use a name as Europe/Berlin"
