"""What a person prefers to be shown as, instead of what devices and calendar give.

Source: Microsoft Graph v1.0, "presence: setUserPreferredPresence", "presence: setStatusMessage",
"presence: setManualLocation".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

STATUS_MESSAGE_LIMIT = 280
"""Characters that Teams takes."""


class PreferredPresence(StrEnum):
    """The states that can be preferred; Teams has no others for this."""

    AUTOMATIC = "automatic"
    """Nothing is preferred: devices and calendar decide."""
    AVAILABLE = "available"
    BUSY = "busy"
    DO_NOT_DISTURB = "do_not_disturb"
    BE_RIGHT_BACK = "be_right_back"
    AWAY = "away"
    OFFLINE = "offline"


class PreferredLocation(StrEnum):
    """Where a person can say that they work today."""

    AUTOMATIC = "automatic"
    """Nothing is set: devices and calendar decide."""
    OFFICE = "office"
    REMOTE = "remote"
    TIME_OFF = "time_off"


@dataclass(frozen=True, slots=True)
class Preferred:
    """What was set from here; Graph does not return what was set elsewhere."""

    presence: PreferredPresence | None = None
    """``None`` until something was set."""
    until: datetime | None = None
    """When Teams forgets it."""

    def at(self, now: datetime) -> Preferred:
        """The same at ``now``: what is over is automatic again."""
        if self.until is not None and self.until <= now:
            return Preferred(PreferredPresence.AUTOMATIC)
        return self
