"""Answers what others put on the states of accounts, and on until when tables are current.

A broker that lost touch with its neighbours, or came back from an old copy, gives a state of
yesterday to lamps. Everything that we send comes back too, and must not be taken for foreign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bridge.broker import Received
from bridge.contract.account import AccountFacts
from bridge.contract.errors import ContractError
from bridge.contract.wire import AccountState, Message, decode
from bridge.publishing.account_states import AccountStates
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.repair.answers import Answers
from bridge.publishing.table_freshness import TableFreshness

LEAVES, FRESH = ("state", "availability"), "fresh"
PAUSE_S = 1.0
"""Between two answers: who contradicts for ever is not answered faster."""
ECHOES_MOST = 16
"""Own messages of a topic that may be on their way back."""
EPOCH_MOST = 2**53
"""No bridge counts further; what does is garbage."""


@dataclass
class _Topic:
    owner: str
    """An account, or a table."""
    leaf: str
    newest: bytes | None = None
    """What was sent last; ``None`` before anything was."""
    coming: deque[bytes] = field(default_factory=lambda: deque(maxlen=ECHOES_MOST))
    """What was sent and has not come back."""

    def is_ours(self, received: Received) -> bool:
        """Whether we sent it; what has come back is not waited for any more."""
        if received.payload in self.coming:
            while self.coming.popleft() != received.payload:
                pass
            return True
        return received.payload == self.newest

    def is_overtaken(self, received: Received) -> bool:
        """Whether it was stored before ours, which is on its way or still to come."""
        return received.retain and (bool(self.coming) or self.newest is None)


class OverwrittenStates:
    """Listens to the states of some accounts and to large tables.

    ``raise_epoch`` is called with an epoch of others that readers would take for newer than ours.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        states: AccountStates,
        freshness: TableFreshness,
        raise_epoch: Callable[[int], None],
    ) -> None:
        self._topics, self._broker = outgoing.topics, outgoing.broker
        self._outgoing, self._freshness = outgoing, freshness
        self._states, self._raise_epoch = states, raise_epoch
        said = "answered what somebody else put on"
        self.answers = Answers(outgoing, self._truth, said=said, pause_s=PAUSE_S)
        self._listened: dict[str, _Topic] = {}

    def listen(self, accounts: Iterable[str]) -> None:
        """Listen to exactly these accounts, and to the tables that are large now."""
        before = self._listened
        wanted = {
            self._topics.account(account, leaf): _Topic(account, leaf)
            for account in accounts
            for leaf in LEAVES
        }
        for table in self._freshness.tables:
            wanted[self._topics.table(table, FRESH)] = _Topic(table, FRESH)
        self._listened = {topic: before.get(topic, new) for topic, new in wanted.items()}
        for topic in before.keys() - wanted.keys():
            self._broker.unsubscribe(topic)
        for topic in wanted:
            if topic not in before:
                self._broker.subscribe(topic, self._on_message)

    def sent(self, message: Message) -> None:
        """Take note of a message that goes to the broker."""
        if listened := self._listened.get(message.topic):
            listened.newest = message.payload
            listened.coming.append(message.payload)

    def _on_message(self, received: Received) -> None:
        listened = self._listened.get(received.topic)
        if listened is None:
            return
        if listened.leaf == FRESH:
            self._freshness.receive(received)
        if listened.is_ours(received):
            return
        if listened.leaf == "state":
            seen = newer_epoch(received, self._states.facts(listened.owner))
            if seen is not None:
                self._raise_epoch(seen)
        if not listened.is_overtaken(received):
            self.answers.add(received.topic)

    def _truth(self, topic: str) -> Message | None:
        listened = self._listened.get(topic)
        if listened is None:
            return None
        return (
            self._freshness.on(listened.owner) if listened.leaf == FRESH else self._states.on(topic)
        )


def newer_epoch(received: Received, ours: AccountFacts) -> int | None:
    """The epoch of a foreign state that readers would take for newer than ``ours``, if it is."""
    try:
        seen = decode(AccountState, received.payload)
    except ContractError:
        return None
    if seen.epoch is None or not 0 <= seen.epoch <= EPOCH_MOST:
        return None
    if ours.epoch is None or seen.epoch != ours.epoch:
        is_newer = seen.epoch > (ours.epoch or -1)
    elif seen.polled_at is None or seen.polled_at.tzinfo is None:
        is_newer = False
    else:
        is_newer = ours.polled_at is None or seen.polled_at > ours.polled_at
    return seen.epoch if is_newer else None
