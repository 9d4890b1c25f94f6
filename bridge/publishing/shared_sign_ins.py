"""The one sign-in of each table, by which all of its people are read."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.contract.account import SignIn
from bridge.contract.wire import Message
from bridge.publishing.account_messages import auth, sign_in_event, without_code
from bridge.publishing.outgoing import Outgoing


class SharedSignIns:
    """Publishes each on a topic of its table, and says what people show of it."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing, self._topics, self._clock = outgoing, outgoing.topics, outgoing.clock
        self._tables: dict[str, tuple[SignIn, SignIn]] = {}
        """The sign-in of each table, and what of it stands on the topics of its people."""

    def forget(self) -> None:
        """Forget the tables that nobody who is followed is in."""
        tables = {account.table for account in self._outgoing.followed.values()}
        self._tables = {table: s for table, s in self._tables.items() if table in tables}

    def messages(self) -> Iterator[Message]:
        """All of them."""
        for table, (sign_in, _) in list(self._tables.items()):
            yield self._message(table, sign_in)

    def shown(self, table: str, sign_in: SignIn) -> SignIn:
        """What people who are read by ``sign_in`` show of it, which is sent when it is news."""
        before, shown = self._tables.get(table, (None, sign_in))
        if before is not sign_in:
            shown = without_code(sign_in)
            self._tables[table] = sign_in, shown
            if before != sign_in:
                self._outgoing.send(self._message(table, sign_in))
                self.send_event(self._topics.table(table, "sign_in_event"), before, sign_in)
        return shown

    def send_event(self, topic: str, before: SignIn | None, sign_in: SignIn) -> None:
        """Say on ``topic`` that a sign-in is needed from now on, if so."""
        if event := sign_in_event(topic, before, sign_in, self._clock.now()):
            self._outgoing.send(event)

    def _message(self, table: str, sign_in: SignIn) -> Message:
        return auth(self._topics.table(table, "auth"), sign_in, self._clock.now())
