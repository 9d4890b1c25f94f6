"""The longest waits that docs/reliability.md gives: after them all is right again without help."""

from __future__ import annotations

from collections.abc import Iterable

MARGIN_S = 30.0
LONGEST_S = {
    "microsoft": 330.0,  # a refusal by Graph is tried again every 300 s
    "throttle": 150.0,  # what was asked for; 120 s at the most here
    "older": 330.0,  # the new line is accepted after 5 minutes
    "revoke": 120.0,  # somebody signs in again
    "broker": 60.0,
    "link": 90.0,  # a silent connection is noticed by its keepalive
    "refuse": 330.0,  # asked again after 1, 5, 30, then every 300 s
    "kill": 90.0,
    "stop": 60.0,
    "disk": 60.0,
    "clock": 330.0,
    "bulb": 90.0,
    "eraser": 150.0,  # one beat
}
"""By the kinds of faults of a story, in seconds."""
CALM_S = 120.0
"""Where nothing was wrong: somebody may just have been added, and must sign in."""


def longest_s(faults: Iterable[str]) -> float:
    """For a story with ``faults``."""
    return max((LONGEST_S[fault] for fault in faults), default=0.0) + CALM_S + MARGIN_S
