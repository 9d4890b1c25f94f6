"""Everything the bridge publishes: discovery, facts, health, answers. Never reads Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from random import random as _random

from bridge.broker import Broker
from bridge.config.models import Config
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import Clock
from bridge.contract.health import Health
from bridge.contract.supervised import supervised
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from bridge.publishing.account import goodbye
from bridge.publishing.discovery.devices import Devices
from bridge.publishing.discovery.newcomers import Newcomers
from bridge.publishing.preferences import Preferences
from bridge.publishing.removal.clean_up import CleanUp
from bridge.publishing.repair.births import Births
from bridge.publishing.repair.corrections import Corrections
from bridge.publishing.repair.restoring import Restoring
from bridge.publishing.reports import Reports
from bridge.publishing.requests import Requests
from bridge.publishing.service import Service
from bridge.publishing.states import BEAT_S, LOOK_S, MANY, UNREPEATED, States
from bridge.retry import Random

GOODBYES_MOST = 10_000
"""More would not be through in the time that a stop has."""
DEVICES_A_BEAT = 20
"""So many accounts are announced again at each beat, in turn: who has erased one may be one whom
the broker does not let us hear."""
REMOVALS_FIRST = 200
"""So many removals come before ``online``; of thousands the rest comes after it."""


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
        self._online = Message(topics.bridge_state, ONLINE.encode())
        self._followed: dict[str, Followed] = {}
        self._preferences = Preferences(topics, service.preferred)
        self._states = States(
            topics,
            followed=lambda: self._followed,
            preferences=self._preferences,
            send=self._send,
            clock=clock,
        )
        self._reports = Reports(config, topics, version, started)
        self._newcomers = Newcomers(self._introduction, self._send)
        self._turn = 0
        self._births = Births(
            topics, announced=self._announced, send=self._send, clock=clock, random=random
        )
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
            rediscovery=self._births,
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
            topics, facts=self._states.facts, service=service, send=self._send, clock=clock
        )
        self._restoring = Restoring(topics, truth=self._truth, send=self._send, clock=clock)

    @property
    def dropped_requests(self) -> int:
        """Requests that were turned away because too many came at once."""
        return self._requests.dropped

    async def request(self, command: str, payload: bytes) -> bytes:
        """Do what a request asks that came another way than by the broker; the answer."""
        return await self._requests.ask(command, payload)

    def facts(self) -> Iterator[tuple[Followed, AccountFacts]]:
        """Everybody who is followed, with what was published last."""
        for slug, account in list(self._followed.items()):
            yield account, self._states.facts(slug)

    def attach(self, broker: Broker) -> None:
        """Publish through ``broker`` and follow what concerns the bridge."""
        self._broker = broker
        self._clean_up.read()
        broker.subscribe(self._topics.request("+"), self._requests.take, commands=True)
        self._restoring.listen(broker, self._unrepeated())
        if self._config.homeassistant.enabled:
            self._births.listen(broker)

    def follow(self, accounts: Mapping[str, Followed]) -> None:
        """Publish for exactly ``accounts`` (by slug): announce who is new, remove who is gone."""
        before, self._followed = self._followed, dict(accounts)
        wanted = self._devices.stored()
        self._states.forget(before.keys() - accounts.keys(), tables=wanted.tables)
        self._clean_up.want(wanted)
        if self._broker is None:
            return  # the first welcome announces
        self._corrections.listen(self._broker, self._single())
        self._restoring.listen(self._broker, self._unrepeated())
        for slug, account in accounts.items():
            if before.get(slug) != account:
                self._preferences.forget(slug)
                if account.table is None:
                    self._send(*self._introduction(slug))
                elif self._broker.connected:  # else the backlog has them
                    self._newcomers.take(slug)
        self._send(self._info(), *self._preferences.news(accounts))

    def _introduction(self, slug: str) -> Iterator[Message]:
        """What is said of somebody who is new or has changed."""
        yield from self._discovery((slug,))
        yield from self._states.unread(slug)

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        self._states.update(facts, self._broker)

    def update_health(self, health: Health) -> None:
        """Publish ``health`` when it turned or has its first poll, else at its own slow beat."""
        due, is_beat = self._reports.take(health, self._clock.monotonic())
        message = self._reports.health()
        if due and message:
            self._send(message, beat=is_beat)

    def welcome(self) -> Iterator[Message]:
        """All that a broker without memory must get before ``online``, in order."""
        single = [slug for slug, account in self._followed.items() if account.table is None]
        for message in self._welcome(single):
            self._corrections.sent(message)
            yield message

    def _welcome(self, single: Sequence[str]) -> Iterator[Message]:
        yield from islice(self._clean_up.messages(), REMOVALS_FIRST)
        yield from self._of_the_bridge()
        yield from self._discovery(single)
        yield from self._states.tables()
        for slug in single:
            yield from self._states.everything(slug)

    def backlog(self) -> Iterator[Message]:
        """The rest, which is sent after ``online``: of people who are read together."""
        yield from self._clean_up.messages()
        for slug, account in list(self._followed.items()):
            if account.table is not None:
                for message in (*self._discovery((slug,)), *self._states.everything(slug)):
                    self._corrections.sent(message)
                    yield message

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        self._clean_up.acknowledged(message)

    def goodbye(self) -> Iterator[Message]:
        """What a clean stop leaves; of very many their state alone says it, the bridge's own."""
        for slug in islice(self._followed, GOODBYES_MOST):
            message = goodbye(self._topics, slug)
            self._corrections.sent(message)
            yield message

    async def run(self) -> None:
        """Publish and answer until cancelled."""
        broker = self._broker
        assert broker is not None
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "publish-due": partial(self._states.keep_publishing, broker),
            "beats": partial(self._states.beat, broker),
            "bridge-beat": self._beat,
            "new-people": partial(self._newcomers.run, broker),
            "requests": self._serve,
            "births": partial(self._births.run, broker),
            "removals": partial(self._clean_up.remove, broker),
            "leftovers": partial(self._look, broker),
            "corrections": self._corrections.run,
            "restoring": partial(self._restoring.run, broker),
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

    async def _beat(self) -> None:
        """Send again what the bridge says of itself; health has a beat of its own.

        ``online`` too: a subscriber for whom the broker's queue was full has missed it for good.
        """
        while True:
            await self._clock.sleep(BEAT_S - LOOK_S)
            devices = self._discovery(self._next_accounts())
            self._send(self._online, self._info(), *self._states.tables(), *devices, beat=True)
            if device := self._discovered(self._topics.bridge_config()):
                self._send(device, beat=True)
            if self._requests.last:
                self._send(self._requests.last, beat=True)

    def _next_accounts(self) -> Iterator[str]:
        """Whose turn it is to be announced again."""
        accounts = [slug for slug, account in self._followed.items() if account.discover]
        for _ in range(min(DEVICES_A_BEAT, len(accounts))):
            self._turn = (self._turn + 1) % len(accounts)
            yield accounts[self._turn]

    async def _look(self, broker: Broker) -> None:
        """Look for what an earlier life left, where others' changes are heard of at other times."""
        await self._clean_up.look(broker, also=self._restoring.hear)
        self._restoring.listen(broker, self._unrepeated(), anew=True)

    def _unrepeated(self) -> Iterator[str]:
        """Where those stand of our topics that no beat repeats."""
        if self._config.homeassistant.enabled:
            yield self._topics.device_config("+")
        if len(self._followed) > MANY:
            yield from (self._topics.account("+", leaf) for leaf in UNREPEATED)

    def _truth(self, topic: str) -> Message | None:
        """What should stand on one of those; ``None`` of foreign ones."""
        if topic.startswith(f"{self._topics.base}/account/"):
            return self._states.on(topic)
        return self._discovered(topic)

    def _announced(self) -> Iterator[Message]:
        """What Home Assistant hears of, and that we are there."""
        yield from self._of_the_bridge()
        yield from self._states.tables()
        for slug, account in list(self._followed.items()):
            if account.discover:
                yield from self._discovery((slug,))
                yield from self._states.everything(slug)
        yield self._online

    def _of_the_bridge(self) -> Iterator[Message]:
        device = self._discovered(self._topics.bridge_config())
        messages = device, self._info(), self._reports.health(), self._requests.last
        yield from (message for message in messages if message)

    def _discovery(self, accounts: Iterable[str]) -> Iterator[Message]:
        devices = (self._discovered(self._topics.account_config(slug)) for slug in accounts)
        return (device for device in devices if device)

    def _discovered(self, topic: str) -> Message | None:
        """Discovery; a device that is losing components is sent by those who remove them."""
        return None if self._clean_up.is_shrinking(topic) else self._devices.on(topic)

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

    def _send(self, *messages: Message, beat: bool = False) -> None:
        if self._broker:
            for message in messages:
                self._corrections.sent(message)
                self._broker.publish(message, beat=beat)
