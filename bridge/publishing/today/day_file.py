"""The file of what was counted today, so that a restart goes on with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bridge.publishing.today.counted_day import Day

log = logging.getLogger(__name__)

LATEST_S = 253_402_300_000.0
"""In the year 9999."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Seconds = Annotated[float, Field(ge=0, le=LATEST_S)]
Entry = tuple[date, Seconds, Seconds, Seconds, Seconds, Seconds]
"""Day, since when; seconds in calls, in meetings, unseen; counted until. Moments are Unix time."""

Counted = tuple[Day, datetime]
"""A day, and up to when it was counted."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    days: dict[Slug, Entry] = {}


def read_days(file: Path) -> dict[str, Counted]:
    """What was counted; nothing where the file is missing or broken."""
    try:
        read = _File.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError):
        log.warning("%s cannot be read: the minutes of today are counted from now on", file)
        return {}
    return {
        slug: (Day(day, _moment(since), calls, meetings, unseen), _moment(until))
        for slug, (day, since, calls, meetings, unseen, until) in read.days.items()
    }


def encoded(counted: Mapping[str, Counted]) -> str:
    """The content of the file."""
    days = {slug: _entry(*each) for slug, each in counted.items()}
    return json.dumps({"days": days}, separators=(",", ":"))


def _entry(day: Day, until: datetime) -> tuple[object, ...]:
    amounts = int(day.calls_s), int(day.meetings_s), int(day.unseen_s)
    return day.date.isoformat(), int(day.since.timestamp()), *amounts, int(until.timestamp())


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
