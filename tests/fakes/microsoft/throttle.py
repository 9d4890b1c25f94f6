"""Graph's limit for presence: so many requests in so many seconds, an app and tenant. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from bridge.contract.clock import Clock


@dataclass
class Throttle:
    """Counts requests in a sliding window; refused ones count too (Graph docs, throttling)."""

    clock: Clock
    limit: int | None = None
    """Requests in ``window_s``; 1,500 is what the API pages print. ``None``: no limit."""
    window_s: float = 30
    _seen: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    def wait_s(self, client_id: str, tenant_id: str) -> int | None:
        """Count one request; the whole seconds to wait when there are too many."""
        if self.limit is None:
            return None
        now = self.clock.monotonic()
        seen = self._seen.setdefault((client_id, tenant_id), deque())
        while seen and seen[0] <= now - self.window_s:
            seen.popleft()
        seen.append(now)
        if len(seen) <= self.limit:
            return None
        room = seen[-self.limit] + self.window_s - now
        return max(1, math.ceil(room))
