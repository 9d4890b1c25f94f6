"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from bridge.contract.clock import Clock

if TYPE_CHECKING:
    from email.message import Message

Random = Callable[[], float]
"""A number from 0 to 1, as ``random.random``."""


def doubled_s(attempt: int, *, first_s: float, most_s: float) -> float:
    """``first_s`` after attempt number 0, doubled with each further one, up to ``most_s``."""
    return min(most_s, first_s * 2.0 ** min(attempt, 32))


def full_jitter(attempt: int, *, first_s: float, most_s: float, random: Random) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (0 for the first).

    Anything from 0 to the doubled step, so that many who fail together do not return together
    ("full jitter", AWS Architecture Blog, Exponential Backoff And Jitter). At least a tenth of a
    second, so that luck alone never makes a busy loop.
    """
    return max(0.1, random() * doubled_s(attempt, first_s=first_s, most_s=most_s))


RETRY_AFTER_MOST_S = 3600.0
"""No server's wish for silence is believed for longer."""


def retry_after_s(headers: Mapping[str, str] | Message, clock: Clock) -> float | None:
    """Seconds that ``Retry-After`` in ``headers`` asks for: a number or a date (RFC 9110, 10.2.3).

    A date counts from the ``Date`` of the same answer, so that no clock of ours matters; an hour
    at the most. ``None`` when the header is missing or means nothing.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(RETRY_AFTER_MOST_S, float(text))
    moment = http_date(text)
    if moment is None:
        return None
    seconds = (moment - (http_date(headers.get("Date", "")) or clock.now())).total_seconds()
    return min(RETRY_AFTER_MOST_S, max(0.0, seconds))


def http_date(text: str) -> datetime | None:
    """The moment of an HTTP date, if it is one; its oldest form names no zone and means GMT."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
