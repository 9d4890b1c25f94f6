"""Builds the parts of one running bridge and ties them together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Protocol

from bridge import __version__, state_dir
from bridge.broker import Broker, Connect
from bridge.config.models import Config, NetworkSettings
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import Clock
from bridge.contract.commands import Commands
from bridge.contract.health import Health
from bridge.microsoft import Microsoft
from bridge.microsoft.http import Http
from bridge.polling import Epoch, fold
from bridge.publishing import Publisher
from bridge.retry import Random
from bridge.service.followed_accounts import FollowedAccounts
from bridge.service.parts import Parts
from bridge.service.sources import Sources

log = logging.getLogger(__name__)


class Page(Protocol):
    """What a person sees of the service."""

    @property
    def clocks_apart_s(self) -> Mapping[str, int]:
        """How far our clock is ahead of that of each lamp's host, in seconds, where it is."""
        ...

    def update(self, facts: AccountFacts) -> None:
        """Show the newest facts of one account."""
        ...

    def follow(self, accounts: Mapping[str, Followed], *, added: Collection[str]) -> None:
        """Show exactly ``accounts``."""
        ...

    async def run(self) -> None:
        """Serve until cancelled."""
        ...


class LocalApi(Protocol):
    """Answers the commands on this machine."""

    async def run(self) -> None:
        """Serve until cancelled."""
        ...


OpenHttp = Callable[[NetworkSettings], AbstractAsyncContextManager[Http]]
"""Opens the way to Microsoft."""
OpenPage = Callable[[Commands, Config, Broker, Clock], Page]
OpenLocalApi = Callable[..., LocalApi]


@dataclass(frozen=True)
class Outside:
    """What the service reaches the world by; ``None`` where that is not wanted."""

    open_page: OpenPage | None
    open_local_api: OpenLocalApi | None
    connect: Connect
    open_http: OpenHttp
    executor: Executor | None
    clock: Clock
    random: Random


@dataclass(frozen=True)
class Composition:
    """The parts of one running bridge."""

    parts: Parts
    microsoft: Microsoft
    sources: Sources
    followed: FollowedAccounts
    publisher: Publisher
    page: Page | None

    def health(self, *, uptime_s: int) -> Health:
        """One report of all parts."""
        broker = self.publisher.broker
        refused = broker.problems if broker.connected else ()
        health = fold(self.sources.statuses, failed=self.parts.failing, broker=refused)
        return replace(
            health,
            internal_errors=health.internal_errors + self.parts.errors,
            requests_last_hour=self.microsoft.requests_last_hour,
            requests_allowed_hour=self.microsoft.requests_allowed_hour,
            mqtt_reconnects=max(0, broker.connects - 1),
            queue=broker.waiting,
            requests_dropped=self.publisher.requests.dropped,
            uptime_s=uptime_s,
        )

    def at_the_broker(self) -> dict[str, Any]:
        """What the broker announced, and what is wrong between it and us."""
        broker = self.publisher.broker
        return {
            "connected": broker.connected,
            "mqtt_version": broker.mqtt_version,
            "problems": list(broker.problems),
            "limits": asdict(broker.limits) if broker.limits else None,
            "clocks_apart_s": self.page.clocks_apart_s if self.page else {},
        }


@asynccontextmanager
async def composed(
    service: Commands, config: Config, *, read_config: Callable[[], Config], outside: Outside
) -> AsyncIterator[Composition]:
    """The parts of a bridge that follows ``config``; ``service`` does what others ask for.

    Raises:
        ConfigError: Something that the config names is missing or cannot be read.
    """
    clock, random = outside.clock, outside.random
    parts = Parts(clock, random=random)

    def raise_epoch(seen: int) -> None:
        if epoch.raise_above(seen):
            log.info("epoch %d was seen on the broker: ours is above it now", seen)
            sources.report_soon()

    def report(facts: AccountFacts) -> None:
        publisher.states.update(facts)
        if page:
            parts.call("page", partial(page.update, facts))

    def announce(accounts: Mapping[str, Followed]) -> None:
        publisher.follow(accounts)
        if page:
            parts.call("page", partial(page.follow, accounts, added=followed.config.added))

    topics = config.topics
    publisher = Publisher(
        partial(
            Broker,
            config.mqtt,
            client_id=config.mqtt.client_id_of("bridge"),
            state_topic=topics.bridge_state,
            connect=outside.connect,
            clock=clock,
            random=random,
        ),
        config=config,
        topics=topics,
        service=service,
        raise_epoch=raise_epoch,
        clock=clock,
        random=random,
        version=__version__,
    )
    publisher.start()
    page = None
    if outside.open_page:
        page = outside.open_page(service, config, publisher.broker, clock)
    epoch = Epoch.begun(config.state_dir / state_dir.EPOCH, clock)
    microsoft = Microsoft(
        config, clock, open_http=outside.open_http, executor=outside.executor, random=random
    )
    async with microsoft:
        sources = Sources(
            microsoft, report=report, announce=announce, clock=clock, random=random, epoch=epoch.at
        )
        followed = FollowedAccounts(config, read=read_config, follow=sources.follow)
        sources.follow(config)
        yield Composition(parts, microsoft, sources, followed, publisher, page)
    await epoch.close()
