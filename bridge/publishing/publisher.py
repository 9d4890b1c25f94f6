"""Everything the bridge publishes: discovery, facts, health, answers. Never reads Microsoft."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from random import random as _random

from bridge.broker import Broker, Received
from bridge.config import Config
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import Clock
from bridge.contract.health import Health
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing import account as account_messages
from bridge.publishing.account import Published
from bridge.publishing.commands import Service, answer
from bridge.publishing.discovery import account_device, bridge_device
from bridge.publishing.ledger import Announced, Ledger, components, farewells
from bridge.publishing.preferences import Preferences, shrinks
from bridge.publishing.sweep import LISTEN_S, cleared, leftover
from bridge.retry import Random

HEALTH_EVERY_S = 60.0
HEALTH_EXPIRY_S = 180
REMOVAL_PAUSE_S = 2.0
"""Between the bare platform and the final payload: Home Assistant needs to see both."""
GOODBYES_MOST = 10_000
"""More would not be through in the time that a stop has."""
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
        self._version, self._started = version, started
        self._followed: dict[str, Followed] = {}
        self._published: dict[str, Published] = {}
        self._due: OrderedDict[str, AccountFacts] = OrderedDict()
        self._waiting = asyncio.Event()
        self._preferences = Preferences(topics, service.preferred)
        self._health: Health | None = None
        self._health_sent_s = float("-inf")
        self._requests: asyncio.Queue[Received] = asyncio.Queue(maxsize=100)
        self._rediscover = asyncio.Event()
        self._broker: Broker | None = None
        self._ledger = Ledger(config.state_dir / "announced.json")
        self._announced = Announced()
        self._cleaned = False

    def attach(self, broker: Broker) -> None:
        """Publish through ``broker`` and follow what concerns the bridge."""
        self._broker = broker
        self._announced = self._ledger.read()
        broker.subscribe(self._topics.request("+"), self._take_request, commands=True)
        if self._config.homeassistant.enabled:
            broker.subscribe(self._topics.birth, self._take_birth)

    def follow(self, accounts: Mapping[str, Followed]) -> None:
        """Publish for exactly ``accounts`` (by slug): announce who is new, remove who is gone."""
        before, self._followed = self._followed, dict(accounts)
        if self._broker is None or not self._broker.connects:
            return  # the first welcome announces, and the clean-up removes
        for slug in before.keys() - accounts.keys():
            self._published.pop(slug, None)
            self._send(*self._preferences.forget(slug))
            self._send(*cleared(self._topics, slug, self._topics.account_config(slug)))
        fresh = dict(accounts.items() - before.items())
        for slug in {s for s in fresh if s in before and not fresh[s].discover}:
            self._send(Message(self._topics.account_config(slug), b""))
        shrunk = {s: before[s] for s in fresh if s in before and shrinks(before[s], fresh[s])}
        for slug in shrunk:
            self._send(*self._preferences.forget(slug))
        if shrunk:
            self._send(*self._stubs(shrunk))
            self.rediscover()  # the final payloads; Home Assistant needs to see both
        grown = {slug: account for slug, account in fresh.items() if slug not in shrunk}
        self._send(*self._devices(grown), self._info(), *self._preferences.news(accounts))
        if self._cleaned:
            self._ledger.write(self._discovery(), self._followed)

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        self._due[facts.account] = facts
        self._publish_due()
        if self._due:
            self._waiting.set()

    def _publish_due(self) -> None:
        """Publish what is due while the broker has room; the newest facts of each account."""
        while self._due and (self._broker is None or self._broker.has_room):
            slug, facts = self._due.popitem(last=False)
            if slug not in self._followed:
                continue
            messages, self._published[slug] = account_messages.changes(
                self._topics,
                self._published.get(slug),
                facts,
                self._clock.now(),
                self._clock.monotonic(),
            )
            self._send(*messages, *self._preferences.news({slug: self._followed[slug]}))

    async def _keep_publishing(self) -> None:
        """Publish what is due as soon as the broker has room for it."""
        assert self._broker is not None
        while True:
            await self._waiting.wait()
            await self._broker.room()
            self._publish_due()
            if not self._due:
                self._waiting.clear()

    def update_health(self, health: Health) -> None:
        """Publish ``health`` when it turned or has its first poll, else at its own slow beat."""
        before, self._health = self._health, health
        turned = (
            before is None
            or before.healthy != health.healthy
            or (before.last_poll_ok is None) != (health.last_poll_ok is None)
        )
        if turned or self._clock.monotonic() - self._health_sent_s >= HEALTH_EVERY_S:
            self._health_sent_s = self._clock.monotonic()
            self._send(self._health_message(health))

    def rediscover(self) -> None:
        """Send all discovery again, soon and once."""
        self._rediscover.set()

    def welcome(self) -> Iterator[Message]:
        """All that a broker without memory must get, in order; ``online`` is not in it."""
        current = self._discovery()
        if not self._cleaned:
            yield from self._farewells(current)
        yield from current.values()
        yield self._info()
        if self._health:
            yield self._health_message(self._health)
        for slug in list(self._published):
            if published := self._published.get(slug):  # the newest, also of a long welcome
                facts = published.facts
                yield from account_messages.everything(self._topics, facts, self._clock.now())
        yield from self._preferences.everything(self._followed)

    def goodbye(self) -> Iterator[Message]:
        """What a clean stop leaves; of very many their state alone says it, the bridge's own."""
        for slug in islice(self._followed, GOODBYES_MOST):
            yield account_messages.goodbye(self._topics, slug)

    async def run(self) -> None:
        """Answer requests and Home Assistant's births until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_publishing(), name="publish-due")
            tasks.create_task(self._answer_births(), name="births")
            tasks.create_task(self._clean_up(), name="clean-up")
            while True:
                received = await self._requests.get()
                response = await answer(
                    received,
                    topics=self._topics,
                    accounts=self._followed,
                    service=self._service,
                    rediscovery=self,
                )
                if response:
                    self._send(response)
                if received.topic == self._topics.request("log_level"):
                    self._send(self._info())
                self._send(*self._preferences.news(self._followed))

    async def _answer_births(self) -> None:
        assert self._broker is not None
        least, most = BIRTH_WAIT_S
        while True:
            await self._rediscover.wait()
            await self._clock.sleep(least + self._random() * (most - least))
            self._rediscover.clear()
            for message in self.welcome():
                await self._broker.room()
                self._send(message)

    def _discovery(self) -> dict[str, Message]:
        """Every discovery message by its topic; none when Home Assistant is not wanted."""
        if not self._config.homeassistant.enabled:
            return {}
        messages = [bridge_device(self._topics, self._version), *self._devices(self._followed)]
        return {message.topic: message for message in messages}

    def _devices(self, accounts: Mapping[str, Followed]) -> Iterator[Message]:
        if self._config.homeassistant.enabled:
            for slug, account in accounts.items():
                if account.discover:
                    yield account_device(
                        self._topics, slug, account.name, self._version, settable=account.settable
                    )

    def _stubs(self, before: Mapping[str, Followed]) -> list[Message]:
        """What takes those entities away that accounts had ``before`` and have no more."""
        old = Announced(topics={m.topic: components(m) for m in self._devices(before)})
        now = {m.topic: m for m in self._devices({s: self._followed[s] for s in before})}
        return farewells(old, now)

    def _farewells(self, current: dict[str, Message]) -> Iterator[Message]:
        """Remove what an earlier start announced and this one does not."""
        gone = set(self._announced.accounts) - self._followed.keys()
        for account in gone:
            yield from cleared(self._topics, account, self._topics.account_config(account))
        prefix = self._topics.account_config("x").removesuffix("x/config")
        for message in farewells(self._announced, current):
            yield message
            account = message.topic.removesuffix("/config").removeprefix(prefix)
            known = account in self._followed or account in gone
            if not message.payload and not known and "/" not in account:
                yield from cleared(self._topics, account, message.topic)

    async def _clean_up(self) -> None:
        """After the first connect: finish removals, then look for leftovers for a while."""
        assert self._broker is not None
        while not self._broker.connects:
            await self._clock.sleep(0.5)
        await self._clock.sleep(REMOVAL_PAUSE_S)
        self._cleaned = True
        current = self._discovery()
        if any(m.payload for m in farewells(self._announced, current)):
            self._send(*current.values())
        self._ledger.write(current, self._followed)
        pattern = f"{self._topics.discovery_prefix}/device/+/config"

        def sweep(received: Received) -> None:
            self._send(*leftover(received, self._topics, self._followed))

        self._broker.subscribe(pattern, sweep)
        await self._clock.sleep(LISTEN_S)
        self._broker.unsubscribe(pattern)

    def _info(self) -> Message:
        payload = {
            "version": self._version,
            "started": self._started,
            "instance": self._topics.instance,
            "log_level": self._service.log_level(),
            "accounts": {
                s: account.name for s, account in self._followed.items() if account.discover
            },
            "people": len(self._followed),
            "mqtt": self._broker.mqtt_version if self._broker else None,
            "discovery_prefix": self._topics.discovery_prefix,
            "polling": self._config.polling.model_dump(),
        }
        return Message(self._topics.bridge_info, encode_json(payload))

    def _health_message(self, health: Health) -> Message:
        payload = encode_json(asdict(health))
        return Message(self._topics.bridge_health, payload, expiry_s=HEALTH_EXPIRY_S)

    def _take_request(self, received: Received) -> None:
        if not self._requests.full():
            self._requests.put_nowait(received)

    def _take_birth(self, received: Received) -> None:
        if received.payload.strip().lower() == ONLINE.encode():
            self._rediscover.set()

    def _send(self, *messages: Message) -> None:
        if self._broker:
            for message in messages:
                self._broker.publish(message)
