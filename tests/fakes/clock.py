"""The clock that drivers of others are tested with, too."""

from drivers.testing.clock import START, TURNS, ManualClock

__all__ = ["START", "TURNS", "ManualClock"]
