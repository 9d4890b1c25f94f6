"""How many requests one app may send in one tenant; none while Microsoft wants a pause.

Source: Microsoft Graph documentation, "Microsoft Graph service-specific throttling limits":
presence, 1,500 requests in 30 s per app and tenant; newer pages say 10,000.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.retry import RETRY_AFTER_MOST_S

LIMIT = 1_500
SENDING = 20
"""Requests on their way: so many may arrive later than they were counted."""
REQUESTS = LIMIT - SENDING
WINDOW_S = 30.0
HOUR_S = 3600.0
REQUESTS_AN_HOUR = int(LIMIT * HOUR_S / WINDOW_S)
ROUNDING_S = 0.001
"""Sums of seconds are off by less; a wait cut short by it would be repeated many times."""
SET_BACK_S = 1.0
"""A pause that ends so much later by the wall clock than by the monotonic one: it was set back."""


class Budget:
    """The requests of one app in one tenant, shared by all of its accounts.

    ``save`` gets the end of each pause, for the time after a restart.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        blocked_until: datetime | None = None,
        save: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        self._clock, self._save = clock, save
        self._window: deque[float] = deque()
        self._minutes = Counter[int]()
        """Requests of each minute of the last hour, the oldest first."""
        self._places = asyncio.Semaphore(SENDING)
        self._queue = asyncio.Lock()
        self._until: datetime | None = None
        self._until_s = 0.0
        if blocked_until:
            self._pause((blocked_until - clock.now()).total_seconds())

    @property
    def blocked_until(self) -> datetime | None:
        """The end of the pause that is in force, by the wall clock as it goes now."""
        return self._until if self._left_s() > 0 else None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Send one request within, when it is its turn. Raises as ``take``."""
        async with self._places:
            await self.take()
            yield

    async def take(self) -> None:
        """Wait until one more request fits the window, and count it; first come, first served.

        Raises:
            SourceUnavailableError: Microsoft has asked for silence.
        """
        async with self._queue:
            while True:
                if (left_s := self._left_s()) > 0:
                    text = "Microsoft asked us to wait"
                    raise SourceUnavailableError(text, retry_after_s=left_s)
                now = self._clock.monotonic()
                while self._window and self._window[0] <= now - WINDOW_S:
                    self._window.popleft()
                if len(self._window) < REQUESTS:
                    break
                await self._clock.sleep(max(ROUNDING_S, self._window[0] + WINDOW_S - now))
            self._window.append(now)
            self._forget(now)
            self._minutes[int(now // 60)] += 1

    def block(self, seconds: float) -> None:
        """Send nothing for so long, an hour at the most; the longest wish wins."""
        self._save(self._pause(min(RETRY_AFTER_MOST_S, max(seconds, self._left_s()))))

    @property
    def last_hour(self) -> int:
        """Requests in the last hour, to the minute."""
        self._forget(self._clock.monotonic())
        return self._minutes.total()

    def _pause(self, seconds: float) -> datetime:
        self._until_s = self._clock.monotonic() + seconds
        self._until = self._clock.now() + timedelta(seconds=seconds)
        return self._until

    def _left_s(self) -> float:
        """What is left of the pause, by the clock that says less.

        The wall clock may have been set back; the monotonic one stops while the machine sleeps.
        """
        if self._until is None:
            return 0.0
        wall_s = (self._until - self._clock.now()).total_seconds()
        steady_s = self._until_s - self._clock.monotonic()
        if wall_s > steady_s + SET_BACK_S:
            self._pause(steady_s)
        return min(wall_s, steady_s)

    def _forget(self, now: float) -> None:
        while self._minutes and (oldest := next(iter(self._minutes))) <= (now - HOUR_S) // 60:
            del self._minutes[oldest]
