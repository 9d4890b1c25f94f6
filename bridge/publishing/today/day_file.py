"""The file of what was counted today, so that a restart goes on with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bridge.config.state_file import StateFile
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
    model_config = ConfigDict(frozen=True, extra="ignore")

    days: dict[Slug, Entry] = {}


class DayFile:
    """The newest count of each account."""

    def __init__(self, file: Path) -> None:
        self._file = StateFile(file)

    def read(self) -> dict[str, Counted]:
        """What was counted; nothing where the file is missing or broken."""
        file = self._file.file
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

    def write(self, counted: Mapping[str, Counted]) -> None:
        """Write what was ``counted``, soon."""
        days = {
            slug: (
                day.date.isoformat(),
                round(day.since.timestamp()),
                round(day.calls_s, 1),
                round(day.meetings_s, 1),
                round(day.unseen_s, 1),
                round(until.timestamp()),
            )
            for slug, (day, until) in counted.items()
        }
        self._file.save(json.dumps({"days": days}, separators=(",", ":")))

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
