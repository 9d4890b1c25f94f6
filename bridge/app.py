"""The composition root of ``presence-bridge run``: builds every part, runs them, stops them.

Never decides anything that a part could decide.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from random import random as _random

from bridge import __version__, logs, state
from bridge.broker import Broker
from bridge.config import Config
from bridge.contract.account import Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.health import Health
from bridge.contract.preferred import Preferred, PreferredPresence
from bridge.contract.topics import Topics
from bridge.microsoft import Microsoft, Writer
from bridge.polling import fold
from bridge.publishing import Publisher
from bridge.retry import Random
from bridge.roster import Roster

log = logging.getLogger(__name__)

OK, INTERRUPTED = 0, 130
NEEDS_RESTART = ("mqtt", "homeassistant", "network", "security", "state_dir")
"""Tables that a reload cannot change."""


class Service:
    """One running bridge. Commands from the broker arrive here, as the ``Service`` they expect."""

    def __init__(
        self,
        config: Config,
        *,
        read_config: Callable[[], Config] | None = None,
        clock: Clock | None = None,
        random: Random = _random,
    ) -> None:
        self._config = config
        self._read_config = read_config or (lambda: config)
        self._clock = clock or SystemClock()
        self._random = random
        self._started: datetime = self._clock.now()
        self._began = self._clock.monotonic()
        self._stop = asyncio.Event()
        self._roster: Roster | None = None
        self._broker: Broker | None = None
        self.restart_wanted = False
        """Set when the service stopped in order to start anew."""

    async def run(self) -> None:
        """Serve until ``stop`` is called; then say goodbye and leave nothing behind."""
        topics = Topics(self._config.mqtt.base_topic, self._config.homeassistant.discovery_prefix)
        publisher = Publisher(
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
            client_id=topics.bridge_client_id,
            state_topic=topics.bridge_state,
            welcome=publisher.welcome,
            goodbye=publisher.goodbye,
            clock=self._clock,
            random=self._random,
        )
        publisher.attach(self._broker)
        async with Microsoft(self._config, self._clock, random=self._random) as microsoft:
            self._roster = Roster(
                microsoft,
                report=publisher.update,
                announce=publisher.follow,
                clock=self._clock,
                random=self._random,
            )
            self._roster.seat(self._config)
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._roster.run(), name="roster"),
                    tasks.create_task(self._broker.run(), name="broker"),
                    tasks.create_task(publisher.run(), name="publisher"),
                    tasks.create_task(self._beat(publisher), name="heartbeat"),
                ]
                await self._stop.wait()
                for task in running:
                    task.cancel()

    def stop(self) -> None:
        """End ``run`` in order."""
        self._stop.set()

    def poll(self, account: str | None) -> None:
        """Read one account, or all, at once."""
        self._seated.poll(account)

    def sign_in(self, account: str, way: Way | None = None) -> None:
        """Start signing ``account`` in, by its own way if no other is given."""
        self._seated.source_of(account).request_sign_in(way)

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the address that a browser ended on. Raises ``PersonMustActError`` for another."""
        self._seated.source_of(account).finish_browser(address)

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

    def health(self) -> Health:
        """How the service fares now."""
        broker = self._broker
        return fold(
            self._roster.statuses if self._roster else {},
            mqtt_reconnects=max(0, broker.connects - 1) if broker else 0,
            queue=broker.waiting if broker else 0,
            uptime_s=int(self._clock.monotonic() - self._began),
        )

    def reload(self) -> list[str]:
        """Follow the accounts that the config file names now; the others go on undisturbed.

        Returns the tables that changed and need a restart.

        Raises:
            ConfigError: The file is wrong; nothing has changed then.
        """
        config = _populated(self._read_config())
        self._seated.seat(config)
        waiting = [t for t in NEEDS_RESTART if getattr(self._config, t) != getattr(config, t)]
        log.info("read the config again: follows %s", ", ".join(config.accounts))
        if waiting:
            log.warning("changed, but used only after a restart: %s", ", ".join(waiting))
        self._config = config
        return waiting

    @property
    def _seated(self) -> Roster:
        assert self._roster is not None
        return self._roster

    async def _beat(self, publisher: Publisher) -> None:
        heartbeat = self._config.state_dir / state.HEARTBEAT
        while True:
            heartbeat.touch()
            publisher.update_health(self.health())
            await self._clock.sleep(state.HEARTBEAT_EVERY_S)


def run(read_config: Callable[[], Config]) -> int:
    """Run the service until a signal; the exit code says which one.

    SIGHUP reads the config again.

    Raises:
        ConfigError: There is nobody to follow, or the state folder is in use.
    """
    config = _populated(read_config())
    with state.claimed(config.state_dir):
        code, again = asyncio.run(_until_signal(config, read_config))
    if again:
        log.info("starting anew")
        os.execv(sys.executable, [sys.executable, "-m", "bridge", *sys.argv[1:]])  # noqa: S606 - ourselves, with our own arguments
    return code


def _populated(config: Config) -> Config:
    if not config.accounts:
        raise ConfigError(["accounts: nobody to follow; add a table such as [accounts.me]"])
    return config


async def _until_signal(config: Config, read_config: Callable[[], Config]) -> tuple[int, bool]:
    service = Service(config, read_config=read_config)
    codes: list[int] = []

    def stop(code: int) -> None:
        if codes:
            os._exit(INTERRUPTED)
        codes.append(code)
        log.info("stopping; once more to stop at once")
        service.stop()

    def reload() -> None:
        problems: list[str] = []
        try:
            service.reload()
        except ConfigError as error:
            problems = error.problems
        for problem in problems:
            log.error("the old config goes on, the new one is wrong: %s", problem)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGTERM, stop, OK)
    loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    log.info("presence-bridge %s follows %s", __version__, ", ".join(config.accounts))
    await service.run()
    return (codes[0] if codes else OK), service.restart_wanted
