"""Removes from the broker the topics of people, tables and devices that are gone.

What an earlier life of the bridge left there is looked for at the start: a stored discovery message
is ours when its origin is ours and its device belongs to our instance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bridge.broker import Received
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, owner_of, slug
from bridge.contract.wire import Message, decode_json
from bridge.publishing.discovery.devices import ORIGIN_NAME, Components
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.removal.retained_file import Retained
from bridge.publishing.removal.retained_topics import RetainedTopics

LOOKED_FOR_MOST = 1_000
"""So few people are looked for on the broker at each start: a disk may have come back from an old
copy. Of more the file must know."""
LISTEN_S = 5.0
"""So long is looked for them."""
PAUSE_S = 2.0
"""Between the bare platform and the final payload: Home Assistant needs to see both."""


class Removal:
    """Removes until the broker has acknowledged it; ``device`` gives a discovery message."""

    def __init__(
        self,
        outgoing: Outgoing,
        file: Path,
        *,
        device: Callable[[str], Message | None],
    ) -> None:
        self._outgoing, self._device = outgoing, device
        self._broker, self._topics, self._clock = outgoing.broker, outgoing.topics, outgoing.clock
        self._retained = RetainedTopics(outgoing.topics, file)
        self._due = asyncio.Event()
        self._look_everywhere = False

    def read(self) -> None:
        """Learn what is retained on the broker."""
        self._look_everywhere = not self._retained.read()

    def want(self, devices: dict[str, Components], *, fresh: Iterable[str]) -> None:
        """Let exactly these ``devices``, who is followed, and tables ``fresh`` stay, soon."""
        followed = self._outgoing.followed
        tables = dict.fromkeys(account.table for account in followed.values() if account.table)
        topics: dict[str, Components] = {self._topics.table(table, "auth"): {} for table in tables}
        topics |= {self._topics.table(table, "fresh"): {} for table in sorted(fresh)}
        settable = dict.fromkeys(each for each, account in followed.items() if account.settable)
        if self._retained.want(Retained(devices | topics, dict.fromkeys(followed), settable)):
            self._due.set()

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        if self._retained.acknowledged(message):
            self._due.set()

    def is_shrinking(self, topic: str) -> bool:
        """Whether the device on ``topic`` is losing components now."""
        return topic in self._retained.shrunk

    def messages(self, *, but: Container[str] = ()) -> Iterator[Message]:
        """All that removes what has to go: bare platforms first, then emptied topics."""
        for topic in list(self._retained.shrunk):
            device = self._device(topic) if topic not in but else None
            if device and (bare := self._retained.bare_message(device)):
                yield bare
        yield from self._retained.empty_messages()

    async def run(self) -> None:
        """Remove what has to go until cancelled; a broker that is away gets it on connect."""
        while True:
            await self._due.wait()
            self._due.clear()
            bare = tuple(self._retained.bare)
            if bare:
                await self._clock.sleep(PAUSE_S)
            for topic in bare:
                if device := self._device(topic):
                    self._outgoing.send(device)
            for message in self.messages(but=bare):
                await self._broker.room()
                self._outgoing.send(message)

    async def look_for_leftovers(self, *, also: Callable[[Received], None]) -> None:
        """After the first connect, look for what is ours and unknown, for a while.

        ``also`` hears the same.
        """
        while not self._broker.connects:
            await self._clock.sleep(0.5)
        await self._clock.sleep(PAUSE_S)
        filters = [self._topics.device_config("+")]
        if self._look_everywhere or len(self._outgoing.followed) <= LOOKED_FOR_MOST:
            filters.append(self._topics.account("+", "availability"))
        for topic_filter in filters:
            self._broker.subscribe(topic_filter, partial(self._receive, also))
        connects = 0
        while connects != self._broker.connects:  # again, when the connection was lost meanwhile
            connects = self._broker.connects
            await self._clock.sleep(LISTEN_S)
        for topic_filter in filters:
            self._broker.unsubscribe(topic_filter)

    async def close(self) -> None:
        """Leave to the next start what is not done."""
        await self._retained.close()

    def _receive(self, also: Callable[[Received], None], received: Received) -> None:
        if received.topic.startswith(f"{self._topics.base}/account/"):
            account, device = stored_account(received), None
        else:
            account, device = announced_account(received, self._topics), received.topic
        if account and self._retained.found(account, device):
            self._due.set()
        also(received)


def announced_account(received: Received, topics: Topics) -> str | None:
    """Whose discovery message of ours ``received`` is; ``None`` for what is not ours."""
    if not received.payload:
        return None
    prefix = f"{topics.instance}_account_"
    try:
        payload = decode_json(received.payload)
        if _inside(payload, "origin", "name") != ORIGIN_NAME:
            return None
        identifiers = _inside(payload, "device", "identifiers")
        for name in identifiers if isinstance(identifiers, list) else ():
            if isinstance(name, str) and name.startswith(prefix):
                return slug(name.removeprefix(prefix))
    except ContractError:
        pass
    return None


def stored_account(received: Received) -> str | None:
    """Whose topic ``received`` is of those below our own ``account``; ``None`` for none."""
    if not received.payload:
        return None
    try:
        return slug(owner_of(received.topic))
    except ContractError:
        return None


def _inside(payload: dict[str, Any], outer: str, inner: str) -> object:
    value = payload.get(outer)
    return value.get(inner) if isinstance(value, dict) else None
