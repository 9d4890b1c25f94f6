"""Whether the broker takes what is said of large tables: it gives back what it has taken.

A broker whose rules refuse it says nothing of it with MQTT 3.1.1.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf

from bridge.publishing.outgoing import Outgoing

log = logging.getLogger(__name__)

LOOK_S, MISSING_S = 5.0, 30.0
"""Between two looks, and how long the broker may take."""


class TableReturns:
    """Looks until cancelled; ``turned`` is called when ``missing`` is another."""

    def __init__(self, outgoing: Outgoing, *, turned: Callable[[], None]) -> None:
        self._outgoing, self._turned = outgoing, turned
        self._waiting_s: dict[str, float] = {}
        """Since when the broker has not given back what was said of a table."""
        self._looked_s = -inf
        """This process may not get to run for long."""
        self.missing: set[str] = set()
        """Tables of which it gives nothing back."""

    def begin(self) -> None:
        """A connection begins."""
        self._waiting_s.clear()

    def forget(self, table: str) -> None:
        """Nothing is said of ``table`` any more."""
        self._waiting_s.pop(table, None)
        self.missing.discard(table)

    def sent(self, table: str) -> None:
        """Something is said of ``table``."""
        self._waiting_s.setdefault(table, self._outgoing.clock.monotonic())

    def returned(self, table: str) -> None:
        """The newest of ``table`` came back."""
        self._waiting_s.pop(table, None)
        if table in self.missing:
            log.info("the broker returns messages on %s now", self._topic(table))
            self.missing.discard(table)
            self._turned()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._outgoing.clock.sleep(LOOK_S)
            if self._outgoing.broker.connected:
                self._look()

    def _look(self) -> None:
        now_s = self._outgoing.clock.monotonic()
        is_late, self._looked_s = now_s - self._looked_s > 2 * LOOK_S, now_s
        if is_late or not self._outgoing.broker.has_room:  # it may be among what waits
            self._waiting_s = dict.fromkeys(self._waiting_s, now_s)
        late = {t for t, since_s in self._waiting_s.items() if now_s - since_s >= MISSING_S}
        if news := late - self.missing:
            for table in sorted(news):
                log.warning(
                    "the broker does not return messages on %s, so each person is sent each "
                    "2 minutes: check that its access rules let the bridge write and read there",
                    self._topic(table),
                )
            self.missing |= news
            self._turned()

    def _topic(self, table: str) -> str:
        return self._outgoing.topics.table(table, "fresh")
