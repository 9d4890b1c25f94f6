"""Publishes for one bridge: builds the parts that do, and runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from random import random as _random

from bridge.broker import Broker
from bridge.broker.home_assistant_start import Births
from bridge.config.tables.config import Config
from bridge.contract.account import Followed
from bridge.contract.clock import Clock
from bridge.contract.commands import Commands
from bridge.contract.retry import Random
from bridge.contract.supervised import supervised
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.account_states import AccountStates
from bridge.publishing.announcements import Announcements
from bridge.publishing.beats import BEAT_S, LOOK_S
from bridge.publishing.bridge_messages import BridgeMessages
from bridge.publishing.discovery.devices import Devices
from bridge.publishing.discovery.newcomers import Newcomers
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.preferences import Preferences
from bridge.publishing.removal.gone_accounts import Removal
from bridge.publishing.repair.erased_topics import ErasedTopics
from bridge.publishing.repair.overwritten_states import OverwrittenStates
from bridge.publishing.request_queue import Requests
from bridge.publishing.table_freshness import TableFreshness
from bridge.publishing.today.minutes import Minutes


class Publisher:
    """The publishing side of one bridge.

    ``make_broker`` makes the connection; what that sends on each connect and at the end are its
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
        random: Random = _random,
    ) -> None:
        broker = make_broker(
            welcome=self._welcome,
            backlog=self._backlog,
            goodbye=self._goodbye,
            acknowledged=self._acknowledged,
        )
        self._out = out = Outgoing(broker, topics, clock, random)
        self._preferences = Preferences(topics, service.preferred)
        self._minutes = Minutes(out, config.state_dir / "today.json", config.zone)
        self.freshness = TableFreshness(out, turned=lambda: self.follow(self._wanted))
        self.states = AccountStates(
            out,
            preferences=self._preferences,
            minutes=self._minutes,
            freshness=self.freshness,
        )
        self._wanted: Mapping[str, Followed] = {}
        self.bridge = BridgeMessages(out, config, version, log_level=service.log_level)
        self._devices = Devices(
            out,
            version,
            enabled=config.homeassistant.enabled,
            page=config.web.address if config.web.enabled else None,
        )
        announced = config.state_dir / "announced.json"
        self._removal = Removal(out, announced, device=self._devices.on)
        self._births = Births(
            topics,
            announced=lambda: self._announcements.for_homeassistant(),  # noqa: PLW0108 - made below
            send=out.send,
            clock=clock,
            random=random,
        )
        self.requests = Requests(out, service, self._births.rediscover)
        self._announcements = announcements = Announcements(
            out,
            states=self.states,
            freshness=self.freshness,
            bridge=self.bridge,
            devices=self._devices,
            removal=self._removal,
            requests=self.requests,
            unread=lambda slug: self._newcomers.add(slug),  # noqa: PLW0108 - made below
        )
        self._newcomers = Newcomers(out, announcements.newcomer, self.freshness.joined, self.states)
        self._overwritten = OverwrittenStates(
            out, states=self.states, freshness=self.freshness, raise_epoch=raise_epoch
        )
        self._erased = ErasedTopics(out, announcements.on)
        out.sent = self._sent

    @property
    def broker(self) -> Broker:
        """The connection that it publishes on."""
        return self._out.broker

    def start(self) -> None:
        """Learn what is retained on the broker, and listen to what concerns the bridge."""
        self._removal.read()
        self._minutes.read()
        self.broker.subscribe(self._out.topics.request("+"), self.requests.take, commands=True)
        self._erased.listen(self._announcements.unrepeated_filters())
        if self._devices.enabled:
            self._births.listen(self.broker)

    def follow(self, accounts: Mapping[str, Followed]) -> None:
        """Publish for exactly ``accounts`` (by slug): announce who is new, remove who is gone."""
        self._wanted = accounts
        self.freshness.follow(accounts)
        accounts = self.freshness.shown(accounts)
        before, self._out.followed = self._out.followed, accounts
        self.states.forget(before.keys() - accounts.keys())
        self._minutes.follow(accounts.keys())
        self._removal.want(self._devices.components(), fresh=self.freshness.tables)
        one_each = {a.table or slug: slug for slug, a in reversed(list(accounts.items()))}
        self._overwritten.listen(one_each.values())  # single accounts, and one of each table
        self._erased.listen(self._announcements.unrepeated_filters())
        for slug, account in accounts.items():
            if (old := before.get(slug)) and old.freshness_of != account.freshness_of:
                self.states.reshape(slug, old)
            if old != account:
                self._preferences.forget(slug)
                if account.table is None:
                    self._out.send(*self._announcements.newcomer(slug))
                elif self.broker.connected:  # else the backlog has them
                    self._newcomers.add(slug)
        self._out.send(self.bridge.info(), *self._preferences.news(accounts))

    async def run(self) -> None:
        """Publish and answer until cancelled."""
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "publish-due": self.states.publish_waiting,
            "beats": self.states.repeat,
            "tables": self.freshness.returns.run,
            "bridge-beat": self._beat,
            "minutes": self._minutes.run,
            "new-people": self._newcomers.run,
            "requests": self._answer_requests,
            "births": partial(self._births.run, self.broker),
            "removals": self._removal.run,
            "leftovers": self._look_for_leftovers,
            "corrections": self._overwritten.answers.run,
            "restoring": self._erased.answers.run,
        }
        clock, random = self._out.clock, self._out.random
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, work in works.items():
                    kept = supervised(work, name=name, clock=clock, random=random)
                    tasks.create_task(kept, name=name)
        finally:
            await self._removal.close()
            await self._minutes.close()

    def _welcome(self) -> Iterator[Message]:
        return self._out.noted(self._announcements.welcome())

    def _backlog(self) -> Iterator[Message]:
        return self._out.noted(self._announcements.backlog())

    def _goodbye(self) -> Iterator[Message]:
        return self._out.noted(self._announcements.goodbye())

    def _acknowledged(self, message: Message) -> None:
        self._removal.acknowledged(message)
        self.freshness.acknowledged(message)

    def _sent(self, message: Message) -> None:
        self._overwritten.sent(message)
        self.freshness.sent(message)

    async def _answer_requests(self) -> None:
        while True:
            command = await self.requests.answer_next()
            if command == "log_level":
                self._out.send(self.bridge.info())
            self._out.send(*self._preferences.news(self._out.followed))

    async def _beat(self) -> None:
        while True:
            await self._out.clock.sleep(BEAT_S - LOOK_S)
            self._out.send(*self._announcements.beat(), beat=True)

    async def _look_for_leftovers(self) -> None:
        """Once; the same filters are listened to for erased topics before and after."""
        await self._removal.look_for_leftovers(also=self._erased.receive)
        self._erased.listen(self._announcements.unrepeated_filters(), anew=True)
