"""The state of the service, as published on ``bridge/health``. Never contains a secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Health:
    """The service's own report; all times with offset, ``None`` where there is none yet."""

    healthy: bool
    reason: str | None = None
    """One sentence when something is wrong, or a sign-in is needed."""
    sign_in_needed: tuple[str, ...] = ()
    """Accounts and tables that nobody is signed in for, as long as nothing can be read."""
    failing: bool = False
    """Something is wrong that no sign-in mends."""
    last_poll_ok: datetime | None = None
    last_poll_attempt: datetime | None = None
    consecutive_failures: int = 0
    """Polls in a row that failed; to have nobody signed in is no failure."""
    throttled_until: datetime | None = None
    poll_interval: float | None = None
    """Seconds to the next poll that the cadence chose last."""
    next_poll: datetime | None = None
    next_poll_why: str | None = None
    """Why then, in a few words."""
    requests_last_hour: int = 0
    requests_allowed_hour: int = 0
    """What Microsoft's limits add up to."""
    mqtt_reconnects: int = 0
    queue: int = 0
    """Messages that wait for the broker."""
    requests_dropped: int = 0
    """Requests since the start that found too many others waiting."""
    internal_errors: int = 0
    """Errors since the start that nobody foresaw; each kind is in the log once."""
    uptime_s: int = 0
    node: str | None = None
    """Who serves, or ``None`` where there is no standby."""
