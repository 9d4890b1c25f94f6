"""Builds the parts of one running bridge and ties them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.broker import Broker, Connect, Lease
from bridge.config import state_dir
from bridge.config.state_file import StateFile
from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import Clock
from bridge.contract.commands import Commands
from bridge.contract.errors import PersonMustActError
from bridge.contract.health import Health
from bridge.contract.retry import Random
from bridge.contract.supervised import Supervision
from bridge.microsoft import Microsoft
from bridge.microsoft.accounts import OpenHttp
from bridge.polling import Epoch, fold
from bridge.publishing import Publisher
from bridge.service.followed_accounts import FollowedAccounts
from bridge.service.sources import Sources
from bridge.service.standby import last_served, throttled_until

if TYPE_CHECKING:  # loaded only by who wants them
    from bridge.service.local_api import LocalApi
    from bridge.service.page import Page

log = logging.getLogger(__name__)

HEALTH_PAUSE_S = 1.0
"""Between two reports of the health."""
OpenPage = Callable[[Commands, Config, Broker, Clock], "Page"]
OpenLocalApi = Callable[..., "LocalApi"]
Work = Callable[[], Coroutine[Any, Any, None]]


class Composition:
    """The parts of one bridge that follows ``config``; ``service`` does what others ask for."""

    def __init__(
        self,
        service: Commands,
        config: Config,
        *,
        read_config: Callable[[], Config],
        connect: Connect,
        open_http: OpenHttp | None,
        executor: Executor | None,
        clock: Clock,
        random: Random,
        alone_most: int,
    ) -> None:
        self._service, self._config, self._clock = service, config, clock
        self._supervision = Supervision(clock, random=random)
        self._turned = asyncio.Event()
        self._last_served = StateFile(config.state_dir / state_dir.LEADER)
        self._lease = self._standby(config) if config.standby.node else None
        self._microsoft = Microsoft(
            config, clock, open_http=open_http, executor=executor, random=random
        )
        broker = partial(
            Broker,
            config.mqtt,
            client_id=config.mqtt.client_id_of("bridge"),
            state_topic=config.topics.bridge_state,
            lease=self._lease,
            connect=connect,
            clock=clock,
            random=random,
        )
        self.publisher = Publisher(
            broker,
            config=config,
            topics=config.topics,
            service=service,
            raise_epoch=self._raise_epoch,
            clock=clock,
            random=random,
            version=__version__,
        )
        self.sources = Sources(
            self._microsoft,
            report=self.publisher.states.update,
            announce=self._announce,
            turned=self._turned.set,
            clock=clock,
            random=random,
            epoch=self._epoch_at,
            reads=self._lease is None,
            alone_most=alone_most,
        )
        self.followed = FollowedAccounts(config, read=read_config, follow=self.sources.follow)
        self._epoch: Epoch | None = None
        self._page: Page | None = None

    @asynccontextmanager
    async def opened(
        self, open_page: OpenPage | None, open_local_api: OpenLocalApi | None
    ) -> AsyncIterator[dict[str, Work]]:
        """Open all that is shared; what runs until the end, by its name.

        Raises:
            ConfigError: Something that the config names is missing or cannot be read.
        """
        config, clock, publisher = self._config, self._clock, self.publisher
        publisher.start()
        works: dict[str, Work] = {
            "publisher": publisher.run,
            "heartbeat": partial(state_dir.beat, config.state_dir, clock, self._turned.set),
            "health": self._report_health,
        }
        if open_page:
            self._page = open_page(self._service, config, publisher.broker, clock)
            self.sources.reports.append(self._show)
            works["page"] = self._page.run
        if open_local_api:
            local_api = open_local_api(
                config.state_dir,
                clock,
                request=publisher.requests.ask,
                everybody=publisher.states.everybody,
                sign_in_of=lambda account: self.sources.source_of(account).sign_in,
                at_the_broker=self._at_the_broker,
            )
            works["commands"] = local_api.run
        works = {name: partial(self._supervision.run, name, work) for name, work in works.items()}
        self._epoch = Epoch.begun(config.state_dir / state_dir.EPOCH, clock)
        if self._lease:
            self._lease.remember(last_served(self._last_served.file))
        async with self._microsoft:
            self.sources.follow(config)
            yield works | {"sources": self.sources.run, "broker": publisher.broker.run}
        await self._epoch.close()
        await self._last_served.close()

    def health(self, *, uptime_s: int) -> Health:
        """One report of all parts."""
        broker, lease = self.publisher.broker, self._lease
        waits = lease is not None and not lease.serves
        refused = broker.problems if broker.connected or broker.dispute or waits else ()
        health = fold(self.sources.statuses, failed=self._supervision.failing, broker=refused)
        return replace(
            health,
            internal_errors=health.internal_errors + self._supervision.errors,
            requests_last_hour=self._microsoft.requests_last_hour,
            requests_allowed_hour=self._microsoft.requests_allowed_hour,
            mqtt_reconnects=max(0, broker.connects - 1),
            queue=broker.waiting,
            requests_dropped=self.publisher.requests.dropped,
            uptime_s=uptime_s,
            node=lease.leader.node if lease and lease.leader else None,
        )

    def must_serve(self) -> None:
        """Raise ``PersonMustActError`` while another node serves, which has to be asked."""
        if self._lease and not self._lease.serves:
            other = self._lease.other or "Another node"
            raise PersonMustActError(
                f"This node, {self._lease.node}, waits.", remedy=f"Ask where {other} runs."
            )

    def reload(self) -> list[str]:
        """Follow what the config file names now, and take a new password of the page.

        Returns and raises as ``FollowedAccounts.reload``.
        """
        if self._page:
            self._page.web.guard.look_at_password()
        return self.followed.reload()

    def _at_the_broker(self) -> dict[str, Any]:
        """What the broker announced, and what is wrong between it and us."""
        broker = self.publisher.broker
        return {
            "connected": broker.connected,
            "address": broker.address,
            "mqtt_version": broker.mqtt_version,
            "standby": broker.standby,
            "problems": list(broker.problems),
            "limits": asdict(broker.limits) if broker.limits else None,
            "clocks_apart_s": self._page.view.clocks_apart_s if self._page else {},
        }

    def _show(self, facts: AccountFacts) -> None:
        if self._page:
            self._supervision.call("page", partial(self._page.view.update, facts))

    def _announce(self, accounts: Mapping[str, Followed]) -> None:
        self.publisher.follow(accounts)
        if self._page:
            show = partial(self._page.view.follow, added_here=self.followed.config.added)
            self._supervision.call("page", partial(show, accounts))

    def _raise_epoch(self, seen: int) -> None:
        if self._epoch and self._epoch.raise_above(seen):
            if self._lease:
                self._lease.raised(self._epoch.value)
            log.info("epoch %d was seen on the broker: ours is above it now", seen)
            self.sources.report_soon()

    def _epoch_at(self, now: datetime) -> int | None:
        if self._epoch is None:
            return None
        epoch = self._epoch.at(now)
        if self._lease:
            self._lease.raised(epoch)
        return epoch

    def _standby(self, config: Config) -> Lease:
        assert config.standby.node
        return Lease(
            config.standby.node,
            config.topics,
            next_epoch=lambda seen: self._epoch.next_above(seen) if self._epoch else seen + 1,
            begin=self._begin_serving,
            end=lambda: self.sources.stop_reading(),  # noqa: PLW0108 - they come later
            clock=self._clock,
            store=lambda leader: self._last_served.save(leader.payload.decode()),
        )

    async def _begin_serving(self, is_anew: bool) -> None:  # noqa: FBT001 - as ``Lease`` says
        if is_anew and self._lease:
            self.publisher.states.forget(self.followed.config.accounts)
            if until := throttled_until(self._lease.health):
                self._microsoft.wait_until(until)
        await self.sources.begin_reading(anew=is_anew)
        self._turned.set()

    async def _report_health(self) -> None:
        """At each beat and whenever a source turned, of which a thousand may at once."""
        while True:
            await self._turned.wait()
            self._turned.clear()
            problems = {table: each.problem for table, each in self.sources.statuses.items()}
            self.publisher.freshness.note_problems(problems)
            self.publisher.bridge.update_health(self._service.health())
            await self._clock.sleep(HEALTH_PAUSE_S)
