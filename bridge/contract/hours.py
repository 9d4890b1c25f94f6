"""Weekly hours with days, days off by date, a time zone and daylight saving."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = timedelta(days=366)
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def moment_of(day: date, at: time, zone: tzinfo | None) -> datetime:
    """When a wall clock in ``zone`` shows ``at`` on ``day``; ``None`` is the machine's own zone."""
    local = datetime.combine(day, at)
    return local.replace(tzinfo=zone) if zone else local.astimezone()


class Span(NamedTuple):
    """``start`` to ``end`` on ``days`` (0 is Monday); past midnight when ``end <= start``."""

    days: frozenset[int]
    start: time
    end: time
    """``00:00`` is the midnight that ends the day."""
    off: frozenset[date] = frozenset()
    """Dates on which it does not begin."""

    def contains(self, local: datetime) -> bool:
        """Whether a wall clock that shows ``local`` is within; past midnight it is yesterday's."""
        now, today = local.time(), local.date()
        if self.start < self.end:
            return self._begins_on(today) and self.start <= now < self.end
        if now >= self.start:
            return self._begins_on(today)
        return now < self.end and self._begins_on(today - timedelta(days=1))

    def _begins_on(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.off


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """All moments that are in one of ``spans``."""

    spans: tuple[Span, ...]

    def contain(self, moment: datetime, zone: tzinfo | None) -> bool:
        """Whether ``moment`` lies within the hours, by the wall clock of ``zone``."""
        local = moment.astimezone(zone)
        return any(span.contains(local) for span in self.spans)

    def __add__(self, other: WeeklyHours) -> WeeklyHours:
        """These hours and those of ``other``."""
        return WeeklyHours(self.spans + other.spans)


def parse_hours(
    days: str | Sequence[str], hours: str | Sequence[str], days_off: Sequence[str] = ()
) -> WeeklyHours:
    """Read days like ``mon-fri``, ``sat,sun`` or ``all`` and hours like ``08:00-18:00``.

    Several of each are written in a list, or with commas between; so are the dates ``days_off``.

    Raises:
        ValueError: They cannot be read; the text says what is expected.
    """
    on = frozenset(day for text in _several(days, "days") for day in parse_days(text))
    dates = [part for text in days_off for part in text.split(",")]
    off = frozenset(day for text in dates for day in parse_dates(text))
    parts = [part for text in _several(hours, "hours") for part in text.split(",")]
    return WeeklyHours(tuple(Span(on, *_parse_span(part), off) for part in parts))


def parse_dates(text: str) -> frozenset[date]:
    """Read ``2026-12-24``, or ``2026-12-24/2027-01-06`` for all days from the one to the other."""
    first, slash, last = text.partition("/")
    try:
        begin = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if slash else begin
    except ValueError:
        problem = "write them as 2026-12-24 or 2026-12-24/2027-01-06"
        raise ValueError(f"days_off {text!r}: {problem}") from None
    if not timedelta() <= end - begin <= _LONGEST:
        raise ValueError(f"days_off {text!r}: the second day comes within a year after the first")
    return frozenset(begin + timedelta(days=step) for step in range((end - begin).days + 1))


def parse_days(text: str) -> frozenset[int]:
    """Read ``mon-fri``, ``sat,sun``, ``fri-mon`` or ``all``; 0 is Monday."""
    if text.strip().lower() == "all":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        try:
            begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
        except ValueError:
            raise ValueError(f"days {text!r}: write them as mon-fri, sat,sun or all") from None
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(days)


def _parse_span(text: str) -> tuple[time, time]:
    match = _SPAN.fullmatch(text.strip())
    if not match:
        raise ValueError(f"hours {text!r}: write them as 08:00-18:00")
    start_h, start_m, end_h, end_m = map(int, match.groups())
    if (start_h == 24) or (end_h == 24 and end_m):  # noqa: PLR2004 - the hour that only ends a day
        raise ValueError(f"hours {text!r}: 24:00 can only end a day")
    return time(start_h, start_m), time(end_h % 24, end_m)


def _several(value: str | Sequence[str], what: str) -> Sequence[str]:
    if not value and not isinstance(value, str):
        raise ValueError(f"{what} = [] never applies: name some, or remove it for all")
    return [value] if isinstance(value, str) else value
