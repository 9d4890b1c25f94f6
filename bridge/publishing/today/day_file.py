"""The file of what was counted today, so that a restart goes on with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bridge.config.atomic_file import write_private
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
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    days: dict[Slug, Entry] = {}


class DayFile:
    """The newest of what ``counted`` gives, which is asked in the thread that writes."""

    def __init__(self, file: Path, counted: Callable[[], Mapping[str, Counted]]) -> None:
        self._file = StateFile(file, write=self._write)
        self._counted = counted

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

    def save(self) -> None:
        """Write what is counted, soon."""
        self._file.save("")

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()

    def _write(self, file: Path, _: str) -> None:
        """Raises ``OSError`` when the disk refuses."""
        days = {slug: _entry(*counted) for slug, counted in self._counted().items()}
        write_private(file, json.dumps({"days": days}, separators=(",", ":")))


def _entry(day: Day, until: datetime) -> tuple[object, ...]:
    amounts = int(day.calls_s), int(day.meetings_s), int(day.unseen_s)
    return day.date.isoformat(), int(day.since.timestamp()), *amounts, int(until.timestamp())


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
