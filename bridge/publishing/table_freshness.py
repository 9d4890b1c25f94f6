"""Until when the people of each large table are current, said once for all of them.

``online`` says two things: they are current, and what the broker has stored of each is the newest.
So it is not said from a start until all of them were sent once, nor after a lost connection until
those were sent of whom something was lost with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bridge.broker import Received
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.topics import OFFLINE, ONLINE, owner_of
from bridge.contract.wire import Message, encode_json
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.table_returns import TableReturns

EXPIRY_S = 600
"""It is sent again at each read, and at each beat where nothing can be read."""
_LEAVES = ("state", "availability")
"""What of a person would be wrong while ``online`` is said, when it was lost."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class TableFreshness:
    """Says it for the tables that share it; ``turned`` is called when others share it."""

    def __init__(self, outgoing: Outgoing, *, turned: Callable[[], None]) -> None:
        self._outgoing, self._topics = outgoing, outgoing.topics
        self.returns = TableReturns(outgoing, turned=turned)
        self._newest: dict[str, AccountFacts] = {}
        """Of each table the facts with the newest times."""
        self._followed: set[str] = set()
        self.tables: set[str] = set()
        """Those that are large."""
        self.complete: set[str] = set()
        """Tables, small ones too, of which each person was sent since the start."""
        self._settled: set[str] = set()
        """Those of them of which, on this connection, nothing older is stored."""
        self._joined: set[str] = set()
        """Tables that came while the broker was there, and are being announced."""
        self._unproven: dict[str, bytes] = {}
        """What was sent last on topics of people, while the broker has not acknowledged it."""
        self._problems: Mapping[str, str | None] = {}
        self._said: dict[str, Message] = {}

    def shown(self, accounts: Mapping[str, Followed]) -> dict[str, Followed]:
        """``accounts`` as the broker's rules let them share."""
        return {
            slug: replace(account, shares=False)
            if account.table in self.returns.missing
            else account
            for slug, account in accounts.items()
        }

    def follow(self, wanted: Mapping[str, Followed]) -> None:
        """Speak for the large tables of ``wanted``, whether the broker takes it or not."""
        before, self.tables = self.tables, {t for a in wanted.values() if (t := a.freshness_of)}
        tables, broker = {a.table for a in wanted.values() if a.table}, self._outgoing.broker
        self._newest = {table: facts for table, facts in self._newest.items() if table in tables}
        self.complete &= tables
        self._joined &= tables
        if broker.connected:
            self._joined |= tables - self._followed
        self._followed = tables
        for table in before - self.tables:
            self._said.pop(table, None)
            self._settled.discard(table)
            self.returns.forget(table)
        for table in self.tables - before:
            if table in self.complete:  # it has grown
                self._settled.add(table)
            self._say(table)

    def joins(self, table: str) -> None:
        """People of ``table`` are announced after the backlog."""
        if table not in self.complete:
            self._joined.add(table)

    def joined(self, tables: Iterable[str]) -> None:
        """All of ``tables`` who came while the broker was there are announced."""
        announced = self._joined.intersection(tables)
        self.complete |= announced
        self._settled |= announced
        self._joined -= announced
        for table in announced:
            self._say(table)

    def begin(self) -> None:
        """A connection begins: what was lost with the last one is not at the broker."""
        self._joined.clear()
        self.returns.begin()
        lost = {topic: table for topic in self._unproven if (table := self._table_on(topic))}
        self._unproven = {topic: self._unproven[topic] for topic in lost}
        self._settled = self.complete - set(lost.values())

    def lost(self) -> Iterator[str]:
        """People of whom something was lost, though all was sent since the start."""
        lost = self.complete - self._settled
        topics = (topic for topic in self._unproven if self._table_on(topic) in lost)
        yield from dict.fromkeys(owner_of(topic) for topic in topics)

    def sent_all(self, tables: Iterable[str]) -> Iterator[Message]:
        """Each person of ``tables``, or all that was lost of them, was sent on this connection."""
        for table in self._followed.intersection(tables):
            self.complete.add(table)
            self._settled.add(table)
            if table in self.tables:
                yield self._noted(table)

    def take(self, table: str, facts: AccountFacts) -> None:
        """Take the times of a person of ``table``, and say what is new in them."""
        newest = self._newest.get(table)
        if newest and _times(newest) == _times(facts):
            return
        if newest is None or _order(facts) >= _order(newest):
            self._newest[table] = facts
            self._say(table)

    def timed(self, facts: AccountFacts, followed: Followed) -> AccountFacts:
        """``facts`` with the times that their large table says."""
        newest = self._newest.get(followed.table or "")
        if not followed.shares or newest is None or not (facts.fresh and newest.fresh):
            return facts
        if _order(facts) > _order(newest):  # read already, while others of the table were not
            return facts
        return replace(facts, polled_at=newest.polled_at, valid_until=newest.valid_until)

    def note_problems(self, problems: Mapping[str, str | None]) -> None:
        """Say why nobody of a table can be read."""
        self._problems = problems
        for table in self.tables:
            self._say(table)

    def messages(self) -> Iterator[Message]:
        """What is to be stored of all tables."""
        yield from (self._noted(table) for table in sorted(self.tables))

    def lose(self, slug: str) -> None:
        """The newest of somebody was not sent, and nobody waits to send it."""
        self._unproven[self._topics.account(slug, "state")] = b""

    def sent(self, message: Message) -> None:
        """Take note of a message that goes to the broker."""
        if message.retain and self._table_on(message.topic) in self.tables:
            self._unproven[message.topic] = message.payload

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        if self._unproven.get(message.topic) == message.payload:
            del self._unproven[message.topic]

    def on(self, table: str) -> Message | None:
        """What should stand there of ``table``."""
        return self._said.get(table)

    def receive(self, received: Received) -> None:
        """Take what is heard of a table."""
        table = owner_of(received.topic)
        said = self._said.get(table)
        if said is not None and received.payload == said.payload:
            self.returns.returned(table)

    def _say(self, table: str) -> None:
        """Send what is new; that somebody is current no more comes first, else as a beat."""
        if table not in self.tables:
            return
        before, message = self._said.get(table), self._message(table)
        if before is None or before.payload != message.payload:
            goes_dark = before is not None and _is_online(before) and not _is_online(message)
            self._outgoing.send(self._noted(table), beat=not goes_dark)

    def _noted(self, table: str) -> Message:
        """What is sent of ``table`` now."""
        message = self._said[table] = self._message(table)
        self.returns.sent(table)
        return message

    def _message(self, table: str) -> Message:
        newest = self._newest.get(table)
        is_current = newest is not None and newest.fresh and table in self._settled
        payload = {
            "state": ONLINE if is_current else OFFLINE,
            "polled_at": newest and newest.polled_at,
            "valid_until": newest and newest.valid_until,
            "epoch": newest and newest.epoch,
            "problem": self._problems.get(table),
        }
        return Message(self._topics.table(table, "fresh"), encode_json(payload), expiry_s=EXPIRY_S)

    def _table_on(self, topic: str) -> str | None:
        """The table whose person has ``topic``, of those that would be wrong when they are lost."""
        if not topic.endswith(_LEAVES):
            return None
        *_, kind, slug, _ = topic.rsplit("/", 3)
        account = self._outgoing.followed.get(slug) if kind == "account" else None
        return account.table if account and account.shares else None


def _order(facts: AccountFacts) -> tuple[int, datetime]:
    return facts.epoch or 0, facts.polled_at or _NEVER


def _times(facts: AccountFacts) -> tuple[object, ...]:
    """What is the same of all who were in the last good poll."""
    return facts.epoch, facts.valid_until, facts.fresh


def _is_online(message: Message) -> bool:
    return b'"state":"online"' in message.payload
