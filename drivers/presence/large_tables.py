"""What is heard of large tables, whose people share their freshness; and of silence about them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.broker import Received
from bridge.contract.topics import owner_of
from bridge.contract.wire import AccountState, TableFresh, decode
from drivers.presence.bridge_clock import BridgeClock, is_older

FRESH = "fresh"


class LargeTables:
    """Until when the people of each large table are current; ``clock`` is the bridge's."""

    def __init__(self, clock: BridgeClock) -> None:
        self._clock = clock
        self._fresh: dict[str, TableFresh] = {}

    def receive(self, received: Received) -> str | None:
        """Take in what the bridge has said; the table of which it is news."""
        table = owner_of(received.topic)
        known = self._fresh.get(table)
        news = decode(TableFresh, received.payload) if received.payload else None
        if news is None:
            return table if self._fresh.pop(table, None) else None
        is_read = news.polled_at is not None  # a bridge that has just started counts as the newest
        if is_read and is_older(news, known, stored=received.retain, now=self._clock.now()):
            return None
        self._clock.receive(news, known, stored=received.retain)
        self._fresh[table] = news
        return table if news != known else None

    def dated(self, state: AccountState) -> AccountState:
        """``state`` with the moment until when it is current, also where its table says that."""
        if state.table is None:
            return state
        fresh = self._fresh.get(state.table)
        return state.model_copy(update={"valid_until": fresh.until if fresh else None})


@dataclass(frozen=True)
class Connection:
    """The connection to the broker that was seen last, by its number."""

    number: int = 0
    seen_s: float = float("-inf")
    made_s: float = float("-inf")
    before_s: float = float("-inf")
    """When the one before was seen last: what was heard since came on this one."""

    def seen(self, number: int, now_s: float) -> Connection:
        """The connection of this ``number``, which is there now."""
        if number == self.number:
            return replace(self, seen_s=now_s)
        return Connection(number, now_s, now_s, self.seen_s)

    def is_silent(self, heard_s: float, *, now_s: float, after_s: float) -> bool:
        """Whether nothing came on it for ``after_s``: what is stored would have come."""
        return heard_s < self.before_s and now_s - self.made_s >= after_s
