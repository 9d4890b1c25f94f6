"""Which retained topics have to go from the broker, until the broker has let them go.

Home Assistant keeps a component that is merely left out, or has another platform now: its device is
sent once with the bare platform that the component had, and then as it is. A device goes when its
topic is emptied. Topics of an entity are emptied after the entity is gone, or Home Assistant reads
the empty payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bridge.config.state_file import StateFile
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.discovery.devices import Components
from bridge.publishing.removal.retained_file import LEAVES, Retained, encoded, read_retained


class RetainedTopics:
    """Compares what is wanted with what ``file`` lists as retained."""

    def __init__(self, topics: Topics, file: Path) -> None:
        self._topics, self._file, self._written = topics, StateFile(file), ""
        self._retained, self._wanted = Retained(), Retained()
        self._accounts: dict[str, Iterable[str]] = {}
        """Who is gone, and the leaves that are still retained."""
        self._gone: dict[str, str] = {}
        """Other topics that have to be emptied, and who could be set on one, if anybody."""
        self.shrunk: dict[str, Components] = {}
        """Devices that stay, by topic, and the components that they lose."""
        self.bare: set[str] = set()
        """Those of them that the broker has with bare platforms: the final payload is due."""

    def read(self) -> bool:
        """Learn from the file what is retained; whether it could be read."""
        retained = read_retained(self._file.file, self._topics.base)
        self._retained = retained or Retained()
        return retained is not None

    def is_waiting(self) -> bool:
        """Whether something has to go that the broker still has."""
        return bool(self._accounts or self._gone or self.shrunk)

    def want(self, wanted: Retained) -> bool:
        """Let exactly ``wanted`` be retained; whether something has to go."""
        self._wanted = wanted
        self._retained.add(wanted)
        self._compare()
        self._write()
        return self.is_waiting()

    def found(self, account: str, device: str | None = None) -> bool:
        """Take note of an account on the broker, and its discovery topic; whether it has to go."""
        if account in self._wanted.accounts:
            return False
        self._retained.accounts[account] = None
        if device is not None:
            self._retained.topics.setdefault(device, {})
        return self.want(self._wanted)

    def empty_messages(self) -> Iterator[Message]:
        """What empties all that is gone, so long as the broker has not acknowledged it."""
        for topic, account in list(self._gone.items()):
            is_read = account and self._topics.account_config(account) in self.shrunk
            if topic in self._gone and not is_read:
                yield Message(topic, b"")
        for account in list(self._accounts):
            for leaf in self._accounts.get(account, ()):
                yield Message(self._topics.account(account, leaf), b"")

    def bare_message(self, device: Message) -> Message | None:
        """``device`` with a bare platform for each component that it loses; ``None``: none."""
        vanished = self.shrunk.get(device.topic)
        if not vanished:
            return None
        payload = json.loads(device.payload)
        payload["components"] |= {key: {"platform": name} for key, name in vanished.items()}
        return Message(device.topic, encode_json(payload))

    def acknowledged(self, message: Message) -> bool:
        """The broker has ``message``; whether something else has come due by it."""
        if message.topic in self.shrunk and message.payload:
            return self._shrank(message)
        if message.payload or not self.is_waiting():
            return False
        if (account := self._gone.pop(message.topic, None)) is not None:
            self._retained.topics.pop(message.topic, None)
            self._retained.settable.pop(account, None)
        elif not self._left(message.topic):
            return False
        if not self.is_waiting():
            self._write()
        return False

    async def close(self) -> None:
        """Leave to the next start what is not done."""
        self._write()
        await self._file.close()

    def _write(self) -> None:
        text = encoded(self._retained, self._topics.base)
        if text != self._written:
            self._written = text
            self._file.save(text)

    def _compare(self) -> None:
        retained, wanted = self._retained, self._wanted
        self._accounts = {
            account: self._accounts.get(account, LEAVES)
            for account in retained.accounts
            if account not in wanted.accounts
        }
        self._gone = {topic: "" for topic in retained.topics if topic not in wanted.topics} | {
            self._topics.account(account, "preferred"): account
            for account in retained.settable
            if account not in wanted.settable and account not in self._accounts
        }
        self.shrunk = {
            topic: vanished
            for topic, now in wanted.topics.items()
            if (vanished := _vanished(retained.topics[topic], now))
        }
        self.bare &= self.shrunk.keys()

    def _shrank(self, message: Message) -> bool:
        topic = message.topic
        if components(message).items() & self.shrunk[topic].items():
            self.bare.add(topic)
            return True
        if topic in self.bare:
            self.bare.discard(topic)
            del self.shrunk[topic]
            self._retained.topics[topic] = self._wanted.topics[topic]
            self._write()
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
        self._retained.accounts.pop(account, None)
        self._retained.settable.pop(account, None)
        return True


def components(message: Message) -> Components:
    """The component keys and platforms in a discovery message."""
    payload: dict[str, Any] = json.loads(message.payload)
    return {key: component["platform"] for key, component in payload["components"].items()}


def _vanished(before: Components, now: Components) -> Components:
    if before is now:
        return {}
    return {key: name for key, name in before.items() if now.get(key) != name}
