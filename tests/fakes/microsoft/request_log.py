"""What was asked of the simulated Microsoft, for tests that count. Never changes an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.microsoft.faults import matches


@dataclass(slots=True)
class LoggedRequest:
    """One request as it arrived; ``status`` when it was answered, 0 when it was cut."""

    method: str
    path: str
    endpoint: str
    at: datetime
    at_s: float
    """On the monotonic clock."""
    headers: Mapping[str, str]
    """Keys in lower case."""
    body: bytes
    person: str | None = None
    """User principal name, where a token or code tells it."""
    client_id: str | None = None
    tenant: str | None = None
    """As in the address, or as in the token."""
    status: int | None = None
    answered_s: float | None = None
    """When its answer was ready, on the monotonic clock."""

    def ended(self, status: int, at_s: float) -> None:
        """Note its answer."""
        self.status, self.answered_s = status, at_s


class RequestLog:
    """The newest requests to identity and Graph, oldest first."""

    def __init__(self, *, keep: int = 20_000) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=keep)
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: LoggedRequest) -> None:
        """Remember a request and wake who waits for it."""
        self._entries.append(entry)
        self._arrived.set()
        self._arrived = asyncio.Event()

    def of(
        self, endpoint: str = "*", *, person: str | None = None, status: int | None = None
    ) -> list[LoggedRequest]:
        """The requests to ``endpoint`` (a pattern as in ``Fault``), narrowed by what is given."""
        return [
            entry
            for entry in self._entries
            if matches(endpoint, entry.endpoint)
            and (person is None or entry.person == person)
            and (status is None or entry.status == status)
        ]

    def count(self, endpoint: str = "*", *, person: str | None = None) -> int:
        """How many requests there were to ``endpoint``."""
        return len(self.of(endpoint, person=person))

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    async def until(
        self,
        endpoint: str,
        count: int = 1,
        *,
        deadline_s: float = 30,
        where: Callable[[LoggedRequest], bool] = lambda _: True,
    ) -> None:
        """Wait until ``count`` requests to ``endpoint`` have arrived.

        Raises:
            TimeoutError: They did not within ``deadline_s`` seconds of real time.
        """
        async with asyncio.timeout(deadline_s):
            while sum(map(where, self.of(endpoint))) < count:
                await self._arrived.wait()
