"""Subscribes to the accounts that a lamp follows, and has the newest facts of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.broker import Broker, Received
from bridge.contract.account import NEEDED, SIGNED_IN, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError
from bridge.contract.latest import Latest
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import AccountState, decode
from drivers.presence.bridge_clock import BridgeClock, is_older
from drivers.presence.large_tables import FRESH, Connection, LargeTables
from drivers.presence.unreadable import UnreadableMessages
from drivers.record import Record
from drivers.rules import Facts

LEFT_AFTER_S = 150.0
"""Longer than the 120 s after which the bridge repeats what it knows."""
CONNECTION_EVERY_S = 2.0
"""Between two looks whether the broker is there."""
LEAVES = ("sign_in", "availability", "state")
"""What is heard of an account, the sign-in first: ``auth`` is for where it is not told."""


class _Auth(Record):
    state: SignInState


@dataclass(frozen=True)
class Reports:
    """Everything heard so far."""

    facts: dict[str, Facts] = field(default_factory=dict)
    bridge_online: bool | None = None
    """``None`` before the bridge's state topic spoke on this connection."""
    gone_since_s: float = 0.0
    """Monotonic time at which bridge or broker was seen to go, or at which we began to listen."""


class Following:
    """Follows state, availability and sign-in of accounts, and whether the bridge is there."""

    def __init__(self, topics: Topics, accounts: Sequence[str], clock: Clock) -> None:
        self._topics, self._accounts, self._clock = topics, accounts, clock
        self._unreadable = UnreadableMessages()
        self._broker: Broker | None = None
        self._lost_s: float | None = None
        self._on_auth: set[str] = set()
        self._heard_s: dict[str, float] = {}
        self._connection = Connection()
        self.bridge_clock = BridgeClock(clock)
        self._tables = LargeTables(self.bridge_clock)
        self.reports: Latest[Reports] = Latest(Reports(gone_since_s=clock.monotonic()))

    def attach(self, broker: Broker) -> None:
        """Subscribe, now and after every reconnect.

        The bridge comes last: before it is heard nothing is decided of half of the facts.
        """
        self._broker = broker
        broker.subscribe(self._topics.table("+", FRESH), self.receive)
        for leaf in LEAVES:
            for account in self._accounts or ["+"]:
                broker.subscribe(self._topics.account(account, leaf), self.receive)
        broker.subscribe(self._topics.bridge_state, self.receive)

    async def watch_connection(self) -> None:
        """Look after the connection until cancelled."""
        while True:
            self.note_connection()
            await self._clock.sleep(CONNECTION_EVERY_S)

    def note_connection(self) -> None:
        """Look whether the broker is there: without it the bridge counts as gone.

        Once is no loss: on a new connection something is heard before that counts as made.
        """
        assert self._broker is not None
        if self._broker.connected:
            self._connection = self._connection.seen(self._broker.connects, self._clock.monotonic())
        lost_s, self._lost_s = self._lost_s, None
        if not self._broker.connected:
            self._lost_s = self._clock.monotonic() if lost_s is None else lost_s
            if lost_s is not None and self.reports.value.bridge_online:
                reports = replace(self.reports.value, bridge_online=None, gone_since_s=lost_s)
                self.reports.set(reports)

    def forget_who_left(self) -> None:
        """Forget accounts of which a bridge that is there says nothing any more.

        Who was removed while the broker, or we, were away is told to nobody. The bridge repeats
        what it knows of everybody, so that silence says it; not so one of the last release. Of who
        is in a large table nothing is repeated: there it is silence since the last connect.
        """
        reports = self.reports.value
        if self._accounts or not reports.bridge_online:
            self._heard_s.clear()
            return
        now_s = self._clock.monotonic()
        for account in reports.facts:
            self._heard_s.setdefault(account, now_s)
        gone = {a for a, known in reports.facts.items() if self._has_left(a, known, now_s)}
        if gone:
            facts = {a: known for a, known in reports.facts.items() if a not in gone}
            self.reports.set(replace(reports, facts=facts))
            for account in gone:
                del self._heard_s[account]

    def _has_left(self, account: str, known: Facts, now_s: float) -> bool:
        heard_s = self._heard_s[account]
        if known.sign_in is None or now_s - heard_s < LEFT_AFTER_S:
            return False
        if known.state is None or known.state.table is None:
            return True
        return self._connection.is_silent(heard_s, now_s=now_s, after_s=LEFT_AFTER_S)

    def receive(self, received: Received) -> None:
        """Take in what the bridge has said on one of its topics."""
        if received.topic == self._topics.bridge_state:
            self._bridge(received)
        elif received.topic.endswith(f"/{FRESH}"):
            self._table(received)
        else:
            self._account(received)

    def _bridge(self, received: Received) -> None:
        reports, online = self.reports.value, received.payload == ONLINE.encode()
        if online == reports.bridge_online:
            return
        since_s = reports.gone_since_s if reports.bridge_online is None else self._clock.monotonic()
        self.reports.set(replace(reports, bridge_online=online, gone_since_s=since_s))

    def _account(self, received: Received) -> None:
        *_, account, leaf = received.topic.split("/")
        reports = self.reports.value
        self._heard_s[account] = self._clock.monotonic()
        known = reports.facts.get(account, Facts())
        news = self._unreadable.read(received.topic, lambda: self._news(known, leaf, received))
        if news is None:
            return
        self._choose_sign_in(account, is_told=news.sign_in is not None)
        if news != known:
            self.reports.set(replace(reports, facts={**reports.facts, account: news}))

    def _news(self, known: Facts, leaf: str, received: Received) -> Facts:
        payload, changed = received.payload, dict[str, Any]()
        if leaf == "availability":
            changed["fresh"] = payload == ONLINE.encode()
        elif leaf == "sign_in":
            changed["sign_in"] = _word(payload)
        elif leaf == "auth":
            changed["auth"] = decode(_Auth, payload).state if payload else None
        else:
            news = decode(AccountState, payload) if payload else None
            now = self.bridge_clock.now()
            if news and is_older(news, known.state, stored=received.retain, now=now):
                return known
            if news:
                self.bridge_clock.receive(news, known.state, stored=received.retain)
            changed["state"] = news and self._tables.dated(news)
        return replace(known, **changed)

    def _table(self, received: Received) -> None:
        table = self._unreadable.read(received.topic, lambda: self._tables.receive(received))
        reports = self.reports.value
        dated = {
            account: replace(facts, state=self._tables.dated(facts.state))
            for account, facts in reports.facts.items()
            if table and facts.state and facts.state.table == table
        }
        if dated:
            self.reports.set(replace(reports, facts=reports.facts | dated))

    def _choose_sign_in(self, account: str, *, is_told: bool) -> None:
        """Hear ``auth`` only while nobody tells the sign-in in a word: it holds codes."""
        if self._broker is None:
            return
        topic = self._topics.account(account if self._accounts else "+", "auth")
        if not is_told and topic not in self._on_auth:
            self._on_auth.add(topic)
            self._broker.subscribe(topic, self.receive)
        elif is_told and topic in self._on_auth and self._accounts:
            self._on_auth.remove(topic)
            self._broker.unsubscribe(topic)


def _word(payload: bytes) -> str | None:
    word = payload.decode(errors="replace")
    if word not in (SIGNED_IN, NEEDED, ""):
        raise ContractError(f"not {SIGNED_IN} or {NEEDED}")
    return word or None
