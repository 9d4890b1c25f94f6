"""What of ours has to go from the broker, until the broker has let it go. Never publishes.

Home Assistant keeps a component that is merely left out: its device is sent once with the bare
platform of that component, and then without it. A device goes when its topic is emptied. Topics of
an entity are emptied after the entity is gone, or Home Assistant reads the empty payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.removal.ledger import LEAVES, Components, Ledger, Stored


@dataclass(frozen=True, slots=True)
class _Gone:
    """One topic that has to be emptied."""

    table: dict[str, Any]
    """Where the ledger knows it, and ``key`` in there."""
    key: str
    after: str = ""
    """The device that must lose its entities first."""


class Removals:
    """Compares what is wanted with what the ledger knows to be stored."""

    def __init__(self, topics: Topics, ledger: Ledger) -> None:
        self._topics, self._ledger = topics, ledger
        self._stored, self._wanted = Stored(), Stored()
        self._accounts: dict[str, Iterable[str]] = {}
        """Who is gone, and the leaves that are still stored."""
        self._gone: dict[str, _Gone] = {}
        self._shrunk: dict[str, Components] = {}
        """Devices that stay, and the components that they lose."""
        self._bare: set[str] = set()
        """Those of them that the broker has with bare platforms."""

    def read(self) -> bool:
        """Learn from the file what is stored; whether it could tell."""
        stored = self._ledger.read()
        self._stored = stored or Stored()
        return stored is not None

    @property
    def people(self) -> int:
        """How many are followed."""
        return len(self._wanted.accounts)

    def want(self, wanted: Stored) -> bool:
        """Let exactly ``wanted`` be stored; whether something has to go."""
        self._wanted = wanted
        self._stored.add(wanted)
        self._compare()
        self._ledger.write(self._stored)
        return self.is_waiting()

    def found(self, account: str, device: str | None = None) -> bool:
        """Take note of an account on the broker, and its discovery topic; whether it has to go."""
        if account in self._wanted.accounts:
            return False
        self._stored.accounts[account] = None
        if device is not None:
            self._stored.devices.setdefault(device, {})
        return self.want(self._wanted)

    def is_waiting(self) -> bool:
        """Whether something has to go that the broker still has."""
        return bool(self._accounts or self._gone or self._shrunk)

    def empties(self) -> Iterator[Message]:
        """What empties all that is gone, so long as the broker has not acknowledged it."""
        for topic, gone in list(self._gone.items()):
            if topic in self._gone and gone.after not in self._shrunk:
                yield Message(topic, b"")
        for account in list(self._accounts):
            for leaf in self._accounts.get(account, ()):
                yield Message(self._topics.account(account, leaf), b"")

    def bare(self, device: Message) -> Message | None:
        """``device`` with a bare platform for each component that it loses; ``None``: none."""
        vanished = self._shrunk.get(device.topic)
        if not vanished:
            return None
        payload = json.loads(device.payload)
        payload["components"] |= {key: {"platform": name} for key, name in vanished.items()}
        return Message(device.topic, encode_json(payload))

    @property
    def shrunk(self) -> tuple[str, ...]:
        """The topics of devices that stay and lose components."""
        return tuple(self._shrunk)

    @property
    def bared(self) -> tuple[str, ...]:
        """Those of them whose final payload is due, a moment after the bare one."""
        return tuple(self._bare)

    def acknowledged(self, message: Message) -> bool:
        """The broker has ``message``; whether something else has come due by it."""
        if message.topic in self._shrunk and message.payload:
            return self._shrank(message)
        if message.payload or not self.is_waiting():
            return False
        if gone := self._gone.pop(message.topic, None):
            gone.table.pop(gone.key, None)
        elif not self._left(message.topic):
            return False
        if not self.is_waiting():
            self._ledger.write(self._stored)
        return False

    async def close(self) -> None:
        """Leave to the next start what is not done."""
        self._ledger.write(self._stored)
        await self._ledger.close()

    def _compare(self) -> None:
        stored, wanted, topics = self._stored, self._wanted, self._topics
        self._accounts = {
            account: self._accounts.get(account, LEAVES)
            for account in stored.accounts
            if account not in wanted.accounts
        }
        self._gone = {
            topic: _Gone(stored.devices, topic)
            for topic in stored.devices
            if topic not in wanted.devices
        }
        for table in stored.tables:
            if table not in wanted.tables:
                self._gone[topics.table(table, "auth")] = _Gone(stored.tables, table)
        for account in stored.settable:
            if account not in wanted.settable and account not in self._accounts:
                self._gone[topics.account(account, "preferred")] = _Gone(
                    stored.settable, account, after=topics.account_config(account)
                )
        self._shrunk = {
            topic: vanished
            for topic, now in wanted.devices.items()
            if (vanished := _vanished(stored.devices[topic], now))
        }
        self._bare &= self._shrunk.keys()

    def _shrank(self, message: Message) -> bool:
        topic = message.topic
        if components(message).keys() & self._shrunk[topic].keys():
            self._bare.add(topic)
            return True
        if topic in self._bare:
            self._bare.discard(topic)
            del self._shrunk[topic]
            self._stored.devices[topic] = self._wanted.devices[topic]
            self._ledger.write(self._stored)
            return True
        return False

    def _left(self, topic: str) -> bool:
        """Take note that ``topic`` is empty; whether that was the last of an account."""
        below = self._topics.account("+", "").partition("+")[0]
        account, _, leaf = topic.removeprefix(below).partition("/")
        left = self._accounts.get(account)
        if left is None or not leaf:
            return False
        if left := tuple(other for other in left if other != leaf):
            self._accounts[account] = left
            return False
        del self._accounts[account]
        self._stored.accounts.pop(account, None)
        self._stored.settable.pop(account, None)
        return True


def components(message: Message) -> dict[str, str]:
    """The component keys and platforms in a discovery message."""
    payload: dict[str, Any] = json.loads(message.payload)
    return {key: component["platform"] for key, component in payload["components"].items()}


def _vanished(before: Components, now: Components) -> Components:
    if before is now:
        return {}
    return {key: name for key, name in before.items() if key not in now}
