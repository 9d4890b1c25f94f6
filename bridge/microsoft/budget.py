"""How many requests one app may send in one tenant, and the pauses that Microsoft wants.

Source: Microsoft Graph documentation, "Microsoft Graph service-specific throttling limits":
presence, 1,500 requests in 30 s per app and tenant; newer pages say 10,000.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.retry import RETRY_AFTER_MOST_S

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
        self._minutes: deque[tuple[int, int]] = deque()
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

    def check(self) -> None:
        """Raise while Microsoft has asked for silence.

        Raises:
            SourceUnavailableError: Nothing may be sent; carries the wait.
        """
        left_s = self._left_s()
        if left_s > 0:
            raise SourceUnavailableError("Microsoft asked us to wait", retry_after_s=left_s)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Send one request within, when it is its turn.

        Raises:
            SourceUnavailableError: Microsoft has asked for silence.
        """
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
                self.check()
                now = self._clock.monotonic()
                while self._window and self._window[0] <= now - WINDOW_S:
                    self._window.popleft()
                if len(self._window) < REQUESTS:
                    break
                await self._clock.sleep(max(ROUNDING_S, self._window[0] + WINDOW_S - now))
            self._window.append(now)
            self._count(now)

    def block(self, seconds: float) -> None:
        """Send nothing for so long, an hour at the most; the longest wish wins."""
        self._save(self._pause(min(RETRY_AFTER_MOST_S, max(seconds, self._left_s()))))

    @property
    def last_hour(self) -> int:
        """Requests in the last hour, to the minute."""
        self._forget(self._clock.monotonic())
        return sum(count for _, count in self._minutes)

    def _pause(self, seconds: float) -> datetime:
        self._until_s = self._clock.monotonic() + seconds
        self._until = self._clock.now() + timedelta(seconds=seconds)
        return self._until

    def _left_s(self) -> float:
        """What is left of the pause, by the clock that says less.

        The wall clock may have been set back; the monotonic one stops while the machine
        sleeps.
        """
        if self._until is None:
            return 0.0
        wall_s = (self._until - self._clock.now()).total_seconds()
        steady_s = self._until_s - self._clock.monotonic()
        if wall_s > steady_s + SET_BACK_S:
            self._pause(steady_s)
        return min(wall_s, steady_s)

    def _count(self, now: float) -> None:
        self._forget(now)
        minute = int(now // 60)
        if self._minutes and self._minutes[-1][0] == minute:
            minute, count = self._minutes.pop()
            self._minutes.append((minute, count + 1))
        else:
            self._minutes.append((minute, 1))

    def _forget(self, now: float) -> None:
        while self._minutes and self._minutes[0][0] <= (now - HOUR_S) // 60:
            self._minutes.popleft()


class Pauses:
    """The pauses that Microsoft asked for, by app and tenant, in ``file``.

    By the wall clock, since no other one goes on through a restart. A clock that was set, or an
    edited file, must not silence the bridge: a pause is never longer than it was asked for, and
    more than an hour ahead counts as garbage.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = StateFile(file), clock
        self._spans: dict[str, tuple[datetime, datetime]] | None = None
        """When each pause was asked for, and when it ends."""

    def end_of(self, key: str) -> datetime | None:
        """The end of the pause of ``key``, when it is yet to come."""
        _, until = self._known().get(key, (None, None))
        return until

    def save(self, key: str, until: datetime) -> None:
        """Remember the end of a pause; a disk that refuses costs only the memory over a restart."""
        self._spans = self._known() | {key: (self._clock.now(), until)}
        texts = {key: [moment.isoformat() for moment in span] for key, span in self._spans.items()}
        self._file.save(json.dumps(texts, sort_keys=True))

    async def close(self) -> None:
        """Wait, not for long, until it is written."""
        await self._file.close()

    def _known(self) -> dict[str, tuple[datetime, datetime]]:
        if self._spans is None:
            self._spans = self._read()
        now = self._clock.now()
        most = now + timedelta(seconds=RETRY_AFTER_MOST_S)
        spans = {key: _by_the_clock(span, now) for key, span in self._spans.items()}
        return {key: span for key, span in spans.items() if now < span[1] <= most}

    def _read(self) -> dict[str, tuple[datetime, datetime]]:
        try:
            texts = json.loads(self._file.file.read_text(encoding="utf-8"))
            return {key: _span(entry) for key, entry in texts.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            return {}


def _span(entry: object) -> tuple[datetime, datetime]:
    """An entry of the file; the last release wrote the end alone. Raises ``ValueError``."""
    texts = [entry] if isinstance(entry, str) else list(entry) if isinstance(entry, list) else []
    moments = [datetime.fromisoformat(text) for text in texts]
    if not moments or not all(moment.tzinfo for moment in moments):
        raise ValueError(entry)
    until = moments[-1]
    asked_at = moments[0] if len(moments) > 1 else until - timedelta(seconds=RETRY_AFTER_MOST_S)
    return asked_at, until


def _by_the_clock(span: tuple[datetime, datetime], now: datetime) -> tuple[datetime, datetime]:
    """The span as it is when the clock was set back since: it lasts no longer for that."""
    asked_at, until = span
    return (now, now + (until - asked_at)) if now < asked_at else span
