"""Everything the bridge publishes: discovery, facts, health, answers. Never reads Microsoft."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from random import random as _random

from bridge.broker import Broker, Received
from bridge.config import Config
from bridge.contract.account import AccountFacts, Followed, SignIn
from bridge.contract.clock import Clock
from bridge.contract.health import Health
from bridge.contract.supervised import supervised
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from bridge.publishing import account as account_messages
from bridge.publishing.account import Published, table_auth, without_code
from bridge.publishing.clean_up import CleanUp
from bridge.publishing.corrections import Corrections
from bridge.publishing.devices import Devices
from bridge.publishing.preferences import Preferences
from bridge.publishing.reports import Reports
from bridge.publishing.requests import Requests
from bridge.publishing.service import Service
from bridge.retry import Random

GOODBYES_MOST = 10_000
"""More would not be through in the time that a stop has."""
REMOVALS_FIRST = 200
"""So many removals come before ``online``; of thousands the rest comes after it."""
BIRTH_WAIT_S = (1.0, 5.0)
"""Home Assistant asks for a random delay after its birth message."""


class Publisher:
    """The publishing side of one bridge."""

    def __init__(
        self,
        *,
        config: Config,
        topics: Topics,
        service: Service,
        clock: Clock,
        version: str,
        started: datetime,
        random: Random = _random,
    ) -> None:
        self._config, self._topics, self._service = config, topics, service
        self._clock, self._random = clock, random
        self._followed: dict[str, Followed] = {}
        self._published: dict[str, Published] = {}
        self._tables: dict[str, SignIn] = {}
        """The sign-in of each table, as published."""
        self._due: OrderedDict[str, AccountFacts] = OrderedDict()
        self._waiting = asyncio.Event()
        self._preferences = Preferences(topics, service.preferred)
        self._reports = Reports(config, topics, version, started)
        self._rediscover = asyncio.Event()
        self._broker: Broker | None = None
        self._devices = Devices(
            topics,
            version,
            enabled=config.homeassistant.enabled,
            accounts=lambda: self._followed,
            broker_forgets=lambda: self._broker is None or self._broker.mqtt_version != "3.1.1",
        )
        self._requests = Requests(
            topics=topics,
            accounts=lambda: self._followed,
            service=service,
            rediscovery=self,
            send=self._send,
            clock=clock,
        )
        self._clean_up = CleanUp(
            topics,
            config.state_dir / "announced.json",
            device=self._devices.on,
            send=self._send,
            clock=clock,
        )
        self._corrections = Corrections(
            topics, facts=self._facts, service=service, send=self._send, clock=clock
        )

    @property
    def dropped_requests(self) -> int:
        """Requests that were turned away because too many came at once."""
        return self._requests.dropped

    def attach(self, broker: Broker) -> None:
        """Publish through ``broker`` and follow what concerns the bridge."""
        self._broker = broker
        self._clean_up.read()
        broker.subscribe(self._topics.request("+"), self._requests.take, commands=True)
        if self._config.homeassistant.enabled:
            broker.subscribe(self._topics.birth, self._take_birth)

    def follow(self, accounts: Mapping[str, Followed]) -> None:
        """Publish for exactly ``accounts`` (by slug): announce who is new, remove who is gone."""
        before, self._followed = self._followed, dict(accounts)
        for slug in before.keys() - accounts.keys():
            self._published.pop(slug, None)
        wanted = self._devices.stored()
        for table in self._tables.keys() - wanted.tables.keys():
            del self._tables[table]
        self._clean_up.want(wanted)
        if self._broker is None:
            return  # the first welcome announces
        self._corrections.listen(self._broker, self._single())
        for slug, account in accounts.items():
            if before.get(slug) != account:
                self._preferences.forget(slug)
                self._send(*self._discovery({slug: account}))
                if slug not in self._published:
                    self._send(self._availability(slug))
        self._send(self._info(), *self._preferences.news(accounts))

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        followed = self._followed.get(facts.account)
        if followed is None:
            return
        if followed.table and self._tables.get(followed.table) != facts.sign_in:
            self._tables[followed.table] = facts.sign_in
            self._send(self._table(followed.table, facts.sign_in))
        self._due[facts.account] = facts
        self._publish_due()
        if self._due:
            self._waiting.set()

    def _publish_due(self) -> None:
        """Publish what is due while the broker has room; the newest facts of each account."""
        while self._due and (self._broker is None or self._broker.has_room):
            slug, facts = self._due.popitem(last=False)
            followed = self._followed.get(slug)
            if followed is None:
                continue
            if followed.table:
                facts = replace(facts, sign_in=without_code(facts.sign_in))
            changes = account_messages.changes(
                self._topics,
                self._published.get(slug),
                facts,
                self._clock.now(),
                self._clock.monotonic(),
            )
            self._published[slug] = changes.published
            self._send(*changes.news, *self._preferences.news({slug: followed}))
            self._send(*changes.beats, beat=True)

    async def _keep_publishing(self, broker: Broker) -> None:
        """Publish what is due as soon as the broker has room for it."""
        while True:
            await self._waiting.wait()
            await broker.room()
            self._publish_due()
            if not self._due:
                self._waiting.clear()

    def update_health(self, health: Health) -> None:
        """Publish ``health`` when it turned or has its first poll, else at its own slow beat."""
        due, is_beat = self._reports.take(health, self._clock.monotonic())
        message = self._reports.health()
        if due and message:
            self._send(message, beat=is_beat)

    def rediscover(self) -> None:
        """Send all discovery again, soon and once."""
        self._rediscover.set()

    def welcome(self) -> Iterator[Message]:
        """All that a broker without memory must get before ``online``, in order."""
        single = {s: a for s, a in self._followed.items() if a.table is None}
        for message in self._welcome(single):
            self._corrections.sent(message)
            yield message

    def _welcome(self, single: Mapping[str, Followed]) -> Iterator[Message]:
        yield from islice(self._clean_up.messages(), REMOVALS_FIRST)
        yield from self._of_the_bridge()
        yield from self._discovery(single)
        for table, sign_in in list(self._tables.items()):
            yield self._table(table, sign_in)
        yield from self._states(single)

    def backlog(self) -> Iterator[Message]:
        """The rest, which is sent after ``online``: of people who are read together."""
        yield from self._clean_up.messages()
        for slug, account in list(self._followed.items()):
            if account.table is not None:
                for message in (*self._discovery({slug: account}), *self._states({slug: account})):
                    self._corrections.sent(message)
                    yield message

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        self._clean_up.acknowledged(message)

    def goodbye(self) -> Iterator[Message]:
        """What a clean stop leaves; of very many their state alone says it, the bridge's own."""
        for slug in islice(self._followed, GOODBYES_MOST):
            yield account_messages.goodbye(self._topics, slug)

    async def run(self) -> None:
        """Publish and answer until cancelled."""
        broker = self._broker
        assert broker is not None
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "publish-due": partial(self._keep_publishing, broker),
            "requests": self._serve,
            "births": partial(self._answer_births, broker),
            "removals": partial(self._clean_up.remove, broker),
            "leftovers": partial(self._clean_up.look, broker),
            "corrections": self._corrections.run,
        }
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, work in works.items():
                    tasks.create_task(
                        supervised(work, name=name, clock=self._clock, random=self._random),
                        name=name,
                    )
        finally:
            await self._clean_up.close()

    async def _serve(self) -> None:
        while True:
            command = await self._requests.serve()
            if command == "log_level":
                self._send(self._info())
            self._send(*self._preferences.news(self._followed))

    async def _answer_births(self, broker: Broker) -> None:
        least, most = BIRTH_WAIT_S
        while True:
            await self._rediscover.wait()
            await self._clock.sleep(least + self._random() * (most - least))
            self._rediscover.clear()
            for message in self._announced():
                await broker.room()
                self._send(message, beat=True)

    def _announced(self) -> Iterator[Message]:
        """What Home Assistant hears of."""
        yield from self._of_the_bridge()
        for table, sign_in in list(self._tables.items()):
            yield self._table(table, sign_in)
        for slug, account in list(self._followed.items()):
            if account.discover:
                yield from self._discovery({slug: account})
                yield from self._states({slug: account})

    def _of_the_bridge(self) -> Iterator[Message]:
        messages = self._devices.bridge(), self._info(), self._reports.health(), self._requests.last
        yield from (message for message in messages if message)

    def _discovery(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """Discovery; a device that is losing components is sent by those who remove them."""
        for slug in accounts:
            topic = self._topics.account_config(slug)
            device = None if self._clean_up.is_shrinking(topic) else self._devices.of(slug)
            if device:
                yield device

    def _states(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        """All that is known about ``accounts`` now: the newest, also of a long welcome."""
        for slug, account in accounts.items():
            if slug not in self._followed:
                continue
            if published := self._published.get(slug):
                now = self._clock.now()
                yield from account_messages.everything(self._topics, published.facts, now)
            else:
                yield self._availability(slug)
            self._preferences.forget(slug)
            yield from self._preferences.news({slug: account})

    def _facts(self, slug: str) -> AccountFacts:
        published = self._published.get(slug)
        return published.facts if published else AccountFacts(slug, "")

    def _availability(self, slug: str) -> Message:
        return account_messages.availability_of(self._topics, self._facts(slug))

    def _table(self, table: str, sign_in: SignIn) -> Message:
        return table_auth(self._topics, table, sign_in, self._clock.now())

    def _single(self) -> list[str]:
        """Those whose states are listened to: single accounts, and one of each table."""
        first = {account.table or slug: slug for slug, account in reversed(self._followed.items())}
        return list(first.values())

    def _info(self) -> Message:
        return self._reports.info(
            self._followed,
            log_level=self._service.log_level(),
            mqtt_version=self._broker.mqtt_version if self._broker else None,
        )

    def _take_birth(self, received: Received) -> None:
        if received.payload.strip().lower() == ONLINE.encode():
            self._rediscover.set()

    def _send(self, *messages: Message, beat: bool = False) -> None:
        if self._broker:
            for message in messages:
                self._corrections.sent(message)
                self._broker.publish(message, beat=beat)
