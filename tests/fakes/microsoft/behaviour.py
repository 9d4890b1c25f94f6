"""What Microsoft does one way or the other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Behaviour:
    """May be changed at any time."""

    pads_unknown_ids: bool = False
    """Whether a bulk read answers unknown ids with PresenceUnknown instead of leaving them out."""
    checks_assertion_times: bool = True
    """Whether times in client assertions must fit the clock. msal takes them from the machine."""
