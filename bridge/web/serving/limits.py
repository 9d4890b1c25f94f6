"""How much of the process the page may take, and the one log line when that is reached.

The bridge needs files for Microsoft, the broker and its state folder: three quarters of what the
process may open are theirs.
"""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass

from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

CONNECTIONS = 256
"""More than a home or an office needs, whatever the process may open."""
FEWEST = 8
SHARE = 4
"""The page takes the one part in so many of the files."""
CALM_S = 60.0
"""After so long without one too many it is over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What visitors may take: in all, each of them, and for how long."""

    connections: int
    connections_each: int
    """Of one address; of a trusted proxy all."""
    streams: int
    """Open pages that get news; each has a connection for as long as it is looked at."""
    streams_each: int
    """Of one session, or of one address where there is no password."""
    request_s: float = 10.0
    """From the first byte, or from the connecting, to the last byte of a request."""
    idle_s: float = 60.0
    """Between two requests."""
    unread_s: float = 10.0
    """An answer that nobody takes for so long has no reader."""

    @classmethod
    def of_files(cls, files: int) -> Limits:
        """For a process that may open so many ``files``."""
        most = max(FEWEST, min(CONNECTIONS, files // SHARE))
        return cls(most, most // 2, most // 2, max(FEWEST // 2, most // 8))

    @classmethod
    def own(cls) -> Limits:
        """For this process."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls.of_files(CONNECTIONS * SHARE if soft == resource.RLIM_INFINITY else soft)


class Capacity:
    """The ``limits`` of one page; logs once that one is reached, and once that it is over."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits, self._clock = limits, clock
        self._last_s: float | None = None

    def reached(self, text: str) -> None:
        """One too many came; ``text`` says of what."""
        if self._last_s is None:
            log.warning("%s; presence is not touched", text)
        self._last_s = self._clock.monotonic()

    def look(self) -> None:
        """Log that it is over when it has been quiet for a while."""
        if self._last_s is not None and self._clock.monotonic() - self._last_s >= CALM_S:
            log.info("the page has room for everybody again")
            self._last_s = None
