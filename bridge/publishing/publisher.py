"""Publishes for one bridge: builds the parts that do, and runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from random import random as _random

from bridge.broker import Broker
from bridge.config.models import Config
from bridge.contract.account import Followed
from bridge.contract.clock import Clock
from bridge.contract.commands import Commands
from bridge.contract.health import Health
from bridge.contract.supervised import supervised
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.account_states import BEAT_S, LOOK_S, AccountStates
from bridge.publishing.announcements import Announcements
from bridge.publishing.bridge_messages import BridgeMessages
from bridge.publishing.discovery.births import Births
from bridge.publishing.discovery.devices import Devices
from bridge.publishing.discovery.newcomers import Newcomers
from bridge.publishing.preferences import Preferences
from bridge.publishing.removal.removal import Removal
from bridge.publishing.repair.erased_topics import ErasedTopics
from bridge.publishing.repair.overwritten_states import OverwrittenStates
from bridge.publishing.requests import Requests
from bridge.retry import Random


class Publisher:
    """The publishing side of one bridge.

    ``make_broker`` makes the connection; what it sends on each connect and at the end are its
    keywords. ``raise_epoch`` is called with an epoch on the broker that is not below ours.
    """

    def __init__(
        self,
        make_broker: Callable[..., Broker],
        *,
        config: Config,
        topics: Topics,
        service: Commands,
        raise_epoch: Callable[[int], None],
        clock: Clock,
        version: str,
        started: datetime,
        random: Random = _random,
    ) -> None:
        self._topics, self._clock, self._random = topics, clock, random
        self.broker = broker = make_broker(
            welcome=self._welcome,
            backlog=self._backlog,
            goodbye=self._goodbye,
            acknowledged=self._acknowledged,
        )
        self._followed: dict[str, Followed] = {}
        send = self._send

        def followed() -> Mapping[str, Followed]:
            return self._followed

        self._preferences = Preferences(topics, service.preferred)
        self.states = AccountStates(
            broker,
            topics,
            followed=followed,
            preferences=self._preferences,
            send=send,
            clock=clock,
        )
        self._bridge = BridgeMessages(
            config,
            topics,
            broker,
            version=version,
            started=started,
            followed=followed,
            log_level=service.log_level,
        )
        self._devices = Devices(
            topics, version, broker, enabled=config.homeassistant.enabled, followed=followed
        )
        self._removal = Removal(
            broker,
            topics,
            config.state_dir / "announced.json",
            device=self._devices.on,
            send=send,
            clock=clock,
        )
        self._births = Births(broker, send, clock=clock, random=random)
        self.requests = Requests(
            topics=topics,
            accounts=followed,
            service=service,
            rediscover=self._births.rediscover,
            send=send,
            clock=clock,
        )
        self._announcements = announcements = Announcements(
            topics,
            followed=followed,
            states=self.states,
            bridge=self._bridge,
            devices=self._devices,
            removal=self._removal,
            requests=self.requests,
        )
        self._newcomers = Newcomers(broker, announcements.newcomer, send)
        self._overwritten = OverwrittenStates(
            broker,
            topics,
            facts=self.states.facts,
            raise_epoch=raise_epoch,
            send=send,
            clock=clock,
        )
        self._erased = ErasedTopics(broker, topics, truth=announcements.on, send=send, clock=clock)

    def start(self) -> None:
        """Learn what is retained on the broker, and listen to what concerns the bridge."""
        self._removal.read()
        self.broker.subscribe(self._topics.request("+"), self.requests.take, commands=True)
        self._erased.listen(self._announcements.unrepeated_filters())
        if self._devices.enabled:
            self._births.listen(self._topics)

    def follow(self, accounts: Mapping[str, Followed]) -> None:
        """Publish for exactly ``accounts`` (by slug): announce who is new, remove who is gone."""
        before, self._followed = self._followed, dict(accounts)
        wanted = self._devices.retained()
        self.states.forget(before.keys() - accounts.keys(), tables=wanted.tables)
        self._removal.want(wanted)
        self._overwritten.listen(self._whose_states_are_heard())
        self._erased.listen(self._announcements.unrepeated_filters())
        for slug, account in accounts.items():
            if before.get(slug) != account:
                self._preferences.forget(slug)
                if account.table is None:
                    self._send(*self._announcements.newcomer(slug))
                elif self.broker.connected:  # else the backlog has them
                    self._newcomers.add(slug)
        self._send(self._bridge.info(), *self._preferences.news(accounts))

    def update_health(self, health: Health) -> None:
        """Publish ``health`` when it turned or has its first poll, else at its own slow beat."""
        due, is_beat = self._bridge.take(health, self._clock.monotonic())
        message = self._bridge.health()
        if due and message:
            self._send(message, beat=is_beat)

    async def run(self) -> None:
        """Publish and answer until cancelled."""
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "publish-due": self.states.publish_waiting,
            "beats": self.states.repeat,
            "bridge-beat": self._beat,
            "new-people": self._newcomers.run,
            "requests": self._answer_requests,
            "births": partial(self._births.run, self._announcements.for_homeassistant),
            "removals": self._removal.run,
            "leftovers": self._look_for_leftovers,
            "corrections": self._overwritten.run,
            "restoring": self._erased.run,
        }
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, work in works.items():
                    kept = supervised(work, name=name, clock=self._clock, random=self._random)
                    tasks.create_task(kept, name=name)
        finally:
            await self._removal.close()

    async def _answer_requests(self) -> None:
        while True:
            command = await self.requests.answer_next()
            if command == "log_level":
                self._send(self._bridge.info())
            self._send(*self._preferences.news(self._followed))

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S - LOOK_S)
            self._send(*self._announcements.beat(), beat=True)

    async def _look_for_leftovers(self) -> None:
        """Once; the same filters are listened to for erased topics before and after."""
        await self._removal.look_for_leftovers(also=self._erased.hear)
        self._erased.listen(self._announcements.unrepeated_filters(), anew=True)

    def _whose_states_are_heard(self) -> list[str]:
        """Single accounts, and one of each table."""
        first = {account.table or slug: slug for slug, account in reversed(self._followed.items())}
        return list(first.values())

    def _send(self, *messages: Message, beat: bool = False) -> None:
        for message in messages:
            self._overwritten.sent(message)
            self.broker.publish(message, beat=beat)

    def _welcome(self) -> Iterator[Message]:
        return self._noted(self._announcements.welcome())

    def _backlog(self) -> Iterator[Message]:
        return self._noted(self._announcements.backlog())

    def _goodbye(self) -> Iterator[Message]:
        return self._noted(self._announcements.goodbye())

    def _acknowledged(self, message: Message) -> None:
        self._removal.acknowledged(message)

    def _noted(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            self._overwritten.sent(message)
            yield message
