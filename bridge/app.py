"""The composition root of ``presence-bridge run``: builds every part, runs them, stops them.

Never decides anything that a part could decide.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import datetime
from random import random as _random

from bridge import __version__, logs, state
from bridge.broker import Broker
from bridge.config import Config
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import ConfigError
from bridge.contract.health import Health
from bridge.contract.topics import Topics
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.polling import Poller, fold
from bridge.publishing import Publisher
from bridge.retry import Random

log = logging.getLogger(__name__)

OK, INTERRUPTED = 0, 130


class Service:
    """One running bridge. Commands from the broker arrive here, as the ``Service`` they expect."""

    def __init__(
        self, config: Config, *, clock: Clock | None = None, random: Random = _random
    ) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._random = random
        self._started: datetime = self._clock.now()
        self._began = self._clock.monotonic()
        self._stop = asyncio.Event()
        self._sources: dict[str, MicrosoftAccount] = {}
        self._pollers: dict[str, Poller] = {}
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
            for slug, settings in self._config.accounts.items():
                source = self._sources[slug] = microsoft.account(slug)
                self._pollers[slug] = Poller(
                    source,
                    settings=self._config.polling,
                    hours=settings.hours.parsed() if settings.hours else None,
                    zone=self._config.zone,
                    report=publisher.update,
                    clock=self._clock,
                    random=self._random,
                )
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._broker.run(), name="broker"),
                    tasks.create_task(publisher.run(), name="publisher"),
                    tasks.create_task(self._beat(publisher), name="heartbeat"),
                ]
                for slug in self._pollers:
                    running += [
                        tasks.create_task(self._sources[slug].run(), name=f"sign-in-{slug}"),
                        tasks.create_task(self._pollers[slug].run(), name=f"poll-{slug}"),
                    ]
                await self._stop.wait()
                for task in running:
                    task.cancel()

    def stop(self) -> None:
        """End ``run`` in order."""
        self._stop.set()

    def poll(self, account: str | None) -> None:
        """Read one account, or all, at once."""
        for slug, poller in self._pollers.items():
            if account in (None, slug):
                poller.poll_now()

    def sign_in(self, account: str) -> None:
        """Start signing ``account`` in."""
        self._sources[account].request_sign_in()

    async def sign_out(self, account: str) -> None:
        """Forget the sign-in of ``account``."""
        await self._sources[account].sign_out()

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
            {slug: poller.status for slug, poller in self._pollers.items()},
            mqtt_reconnects=max(0, broker.connects - 1) if broker else 0,
            queue=broker.waiting if broker else 0,
            uptime_s=int(self._clock.monotonic() - self._began),
        )

    async def _beat(self, publisher: Publisher) -> None:
        heartbeat = self._config.state_dir / state.HEARTBEAT
        while True:
            heartbeat.touch()
            publisher.update_health(self.health())
            await self._clock.sleep(state.HEARTBEAT_EVERY_S)


def run(config: Config) -> int:
    """Run the service until a signal; the exit code says which one.

    Raises:
        ConfigError: There is nobody to follow, or the state folder is in use.
    """
    if not config.accounts:
        raise ConfigError(["accounts: nobody to follow; add a table such as [accounts.me]"])
    with state.claimed(config.state_dir):
        code, again = asyncio.run(_until_signal(config))
    if again:
        log.info("starting anew")
        os.execv(sys.executable, [sys.executable, "-m", "bridge", *sys.argv[1:]])  # noqa: S606 - ourselves, with our own arguments
    return code


async def _until_signal(config: Config) -> tuple[int, bool]:
    service = Service(config)
    codes: list[int] = []

    def stop(code: int) -> None:
        if codes:
            os._exit(INTERRUPTED)
        codes.append(code)
        log.info("stopping; once more to stop at once")
        service.stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop, OK)
    loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    log.info("presence-bridge %s follows %s", __version__, ", ".join(config.accounts))
    await service.run()
    return (codes[0] if codes else OK), service.restart_wanted
