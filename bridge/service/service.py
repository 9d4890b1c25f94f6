"""One running bridge: builds every part, runs them, stops them; what others ask for arrives here.

Never decides anything that a part could decide.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import random as _random
from typing import Any, Protocol

from bridge import __version__, logs, state_dir
from bridge.broker import Broker, Connect, connect
from bridge.config.accounts import AccountSettings
from bridge.config.models import Config, NetworkSettings
from bridge.contract.account import AccountFacts, Followed, SignIn, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.health import Health
from bridge.contract.latest import Latest
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.contract.topics import Topics
from bridge.microsoft import Microsoft, Writer
from bridge.microsoft.http import Http
from bridge.polling import Epoch, fold
from bridge.publishing import Publisher
from bridge.retry import Random
from bridge.service.followed_accounts import Following
from bridge.service.parts import Parts
from bridge.service.sources import Roster

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
    """What the commands on this machine ask."""

    async def run(self) -> None:
        """Serve until cancelled."""
        ...


OpenHttp = Callable[[NetworkSettings], AbstractAsyncContextManager[Http]]
"""Opens the way to Microsoft."""


class Service:
    """One running bridge. Commands from the broker arrive here, as the ``Service`` they expect.

    ``stopping`` is called once, when the end begins.
    """

    def __init__(
        self,
        config: Config,
        *,
        read_config: Callable[[], Config] | None = None,
        open_page: OpenPage | None = None,
        open_local_api: OpenLocalApi | None = None,
        connect: Connect = connect,
        open_http: OpenHttp | None = None,
        executor: Executor | None = None,
        stopping: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        random: Random = _random,
    ) -> None:
        self._config = config
        self._following = Following(
            config,
            read=read_config or (lambda: config),
            seat=self._seat,
        )
        self._open_page, self._connect = open_page, connect
        self._open_local_api = open_local_api
        self._open_http, self._executor, self._stopping = open_http, executor, stopping
        self._clock = clock or SystemClock()
        self._random = random
        self._started: datetime = self._clock.now()
        self._began = self._clock.monotonic()
        self._stop = asyncio.Event()
        self._roster: Roster | None = None
        self._microsoft: Microsoft | None = None
        self._broker: Broker | None = None
        self._publisher: Publisher | None = None
        self._page: Page | None = None
        self._epoch: Epoch | None = None
        self._parts = Parts(self._clock, random=random)
        self.restart_wanted = False
        """Set when the service stopped in order to start anew."""

    async def run(self) -> None:
        """Serve until ``stop`` is called; then say goodbye and leave nothing behind.

        Raises:
            ConfigError: Something that the config names is missing or cannot be read.
        """
        topics = self._config.topics
        self._publisher = publisher = Publisher(
            config=self._config,
            topics=topics,
            service=self,
            clock=self._clock,
            random=self._random,
            version=__version__,
            started=self._started,
        )
        self._broker = Broker(
            self._config.mqtt,
            client_id=self._config.mqtt.client_id_of("bridge"),
            state_topic=topics.bridge_state,
            welcome=publisher.welcome,
            backlog=publisher.backlog,
            goodbye=publisher.goodbye,
            acknowledged=publisher.acknowledged,
            connect=self._connect,
            clock=self._clock,
            random=self._random,
        )
        publisher.attach(self._broker)
        if self._open_page:
            self._page = self._open_page(self, self._config, topics, self._broker, self._clock)
        self._epoch = epoch = Epoch.begun(self._config.state_dir / state_dir.EPOCH, self._clock)
        microsoft = Microsoft(
            self._config,
            self._clock,
            open_http=self._open_http,
            executor=self._executor,
            random=self._random,
        )
        async with microsoft as self._microsoft:
            self._roster = Roster(
                self._microsoft,
                report=self._report,
                announce=self._announce,
                clock=self._clock,
                random=self._random,
                epoch=epoch.at,
            )
            self._roster.seat(self._config)
            await self._until_stopped(self._roster, self._broker, publisher)
        await epoch.close()

    async def _until_stopped(self, roster: Roster, broker: Broker, publisher: Publisher) -> None:
        def beat() -> Awaitable[None]:
            folder, tell = self._config.state_dir, lambda: publisher.update_health(self.health())
            return state_dir.beat(folder, self._clock, tell)

        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(roster.run(), name="roster"),
                tasks.create_task(broker.run(), name="broker"),
                tasks.create_task(self._parts.run("publisher", publisher.run), name="publisher"),
                tasks.create_task(self._parts.run("heartbeat", beat), name="heartbeat"),
            ]
            if self._page:
                page = self._parts.run("page", self._page.run)
                running.append(tasks.create_task(page, name="page"))
            if self._open_local_api:
                api = self._open_local_api(self, self._config.state_dir, self._clock)
                commands = self._parts.run("commands", api.run)
                running.append(tasks.create_task(commands, name="commands"))
            await self._stop.wait()
            for task in running:
                task.cancel()

    def _report(self, facts: AccountFacts) -> None:
        if self._publisher:
            self._publisher.update(facts)
        if page := self._page:
            self._parts.tell("page", lambda: page.update(facts))

    def _announce(self, accounts: Mapping[str, Followed]) -> None:
        if self._publisher:
            self._publisher.follow(accounts)
        if page := self._page:
            added = self._following.config.added
            self._parts.tell("page", lambda: page.follow(accounts, added=added))

    def stop(self) -> None:
        """End ``run`` in order."""
        if not self._stop.is_set():
            self._stopping()
        self._stop.set()

    def poll(self, account: str | None) -> None:
        """Read one account, or all, at once."""
        self._seated.poll(account)

    def sign_in(self, account: str, way: Way | None = None) -> None:
        """Start signing ``account`` (or table) in, by its own way if no other is given.

        Raises ``PersonMustActError`` for one that is not followed, as do the next.
        """
        self._seated.source_of(account).request_sign_in(way)

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the address that a browser ended on. Raises ``PersonMustActError`` for another."""
        self._seated.source_of(account).finish_browser(address)

    def sign_in_of(self, account: str) -> Latest[SignIn]:
        """Where the sign-in of an account or table stands."""
        return self._seated.source_of(account).sign_in

    def cancel_sign_in(self, account: str) -> None:
        """Take a code or an address back that waits for a person."""
        self._seated.source_of(account).cancel_sign_in()

    async def sign_out(self, account: str) -> None:
        """Forget the sign-in of ``account``."""
        await self._seated.source_of(account).sign_out()

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None = None
    ) -> str | None:
        """Let ``account`` be shown as ``presence``; what a person must know.

        Raises ``PresenceBridgeError`` when it is not allowed or Microsoft refuses, as do the next.
        """
        note = await self._writer(account).prefer(presence, lasts)
        self.poll(account)
        return note

    async def set_status_message(
        self, account: str, text: str, lasts: timedelta | None = None
    ) -> None:
        """Set the status message of ``account``; an empty one is removed."""
        await self._writer(account).say(text, lasts)
        self.poll(account)

    async def set_work_location(
        self, account: str, location: PreferredLocation, place_id: str | None = None
    ) -> None:
        """Say where ``account`` works today."""
        await self._writer(account).locate(location, place_id)
        self.poll(account)

    async def clear_presence(self, account: str) -> None:
        """Let ``account`` prefer nothing and say nothing."""
        await self._writer(account).clear()
        self.poll(account)

    def preferred(self, account: str) -> Preferred:
        """What was set from here. Raises ``PersonMustActError`` where nothing can be set."""
        return self._writer(account).preferred

    def _writer(self, account: str) -> Writer:
        writer = self._seated.source_of(account).writer
        if writer is None:
            raise PersonMustActError(
                f"The presence of {account} is not set from here.",
                remedy=f"Add set_presence = true to [accounts.{account}], then sign in again.",
            )
        return writer

    def raise_epoch(self, seen: int) -> None:
        """Tell everything anew when ``seen``, the epoch of a retained state_dir, is above ours."""
        if self._epoch and self._roster and self._epoch.raise_above(seen):
            log.info("epoch %d was seen on the broker: ours is above it now", seen)
            self._roster.tell_soon()

    def restart(self) -> None:
        """Stop in order and start anew in the same process."""
        self.restart_wanted = True
        self.stop()

    def set_log_level(self, level: str) -> None:
        """Change the log level. Raises ``ValueError`` for an unknown one."""
        logs.set_level(level)

    def log_level(self) -> str:
        """The log level in force."""
        return logs.level()

    async def request(self, command: str, payload: bytes) -> bytes:
        """Do what a request of the shell asks; the answer as on the broker."""
        assert self._publisher is not None
        return await self._publisher.request(command, payload)

    def facts(self) -> Iterator[tuple[Followed, AccountFacts]]:
        """Everybody who is followed, with what is known of them."""
        assert self._publisher is not None
        return self._publisher.facts()

    def at_the_broker(self) -> dict[str, Any]:
        """What the broker announced, and what is wrong between it and us."""
        broker = self._broker
        assert broker is not None
        return {
            "connected": broker.connected,
            "mqtt_version": broker.mqtt_version,
            "problems": list(broker.problems),
            "limits": asdict(broker.limits) if broker.limits else None,
            "clocks_apart_s": self._page.clocks_apart_s if self._page else {},
        }

    def health(self) -> Health:
        """How the service fares now."""
        broker, microsoft = self._broker, self._microsoft
        statuses = self._roster.statuses if self._roster else {}
        refused = broker.problems if broker and broker.connected else ()
        health = fold(statuses, failed=self._parts.failing, broker=refused)
        return replace(
            health,
            internal_errors=health.internal_errors + self._parts.errors,
            requests_last_hour=microsoft.requests_last_hour if microsoft else 0,
            requests_allowed_hour=microsoft.requests_allowed_hour if microsoft else 0,
            mqtt_reconnects=max(0, broker.connects - 1) if broker else 0,
            queue=broker.waiting if broker else 0,
            requests_dropped=self._publisher.dropped_requests if self._publisher else 0,
            uptime_s=int(self._clock.monotonic() - self._began),
        )

    def reload(self) -> list[str]:
        """Follow the accounts that the config file names now; the others go on undisturbed.

        Raises ``ConfigError`` when it is wrong. Returns the tables that need a restart.
        """
        return self._following.reload()

    def add_person(self, account: str, settings: AccountSettings) -> None:
        """Follow somebody whom the config file does not name. Raises as ``Following.add``."""
        self._following.add(account, settings)

    async def remove_person(self, account: str) -> None:
        """Sign somebody out who was added, and follow them no more.

        Raises:
            PresenceBridgeError: The config file names them, or the disk refuses.
        """
        self._following.check_added(account)
        await self.sign_out(account)
        self._following.remove(account)

    def _seat(self, config: Config) -> None:
        self._seated.seat(config)

    @property
    def _seated(self) -> Roster:
        assert self._roster is not None
        return self._roster


def populated(config: Config) -> Config:
    """``config``, when there is somebody to follow or a page to add them on.

    Raises:
        ConfigError: There is neither.
    """
    if not config.accounts and not config.web.enabled:
        raise ConfigError(["accounts: nobody to follow; add a table such as [accounts.me]"])
    return config


OpenPage = Callable[[Service, Config, Topics, Broker, Clock], Page]
OpenLocalApi = Callable[[Service, Path, Clock], LocalApi]
