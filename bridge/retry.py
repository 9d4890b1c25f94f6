"""How long to wait before trying again. Never waits itself."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from bridge.contract.clock import Clock

Random = Callable[[], float]
"""A number from 0 to 1, as ``random.random``."""


def full_jitter(attempt: int, *, first_s: float, most_s: float, random: Random) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (0 for the first).

    Anything from 0 to the doubled step, so that many who fail together do not return together
    ("full jitter", AWS Architecture Blog, Exponential Backoff And Jitter). At least a tenth of a
    second, so that luck alone never makes a busy loop.
    """
    step = min(most_s, first_s * 2.0 ** min(attempt, 32))
    return max(0.1, random() * step)


def retry_after_s(header: str | None, clock: Clock) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number or an HTTP date (RFC 9110, 10.2.3).

    ``None`` when the header is missing or means nothing.
    """
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment - clock.now()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
