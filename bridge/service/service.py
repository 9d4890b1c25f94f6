"""One running bridge: starts and stops its parts, and does what others ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path
from random import random as _random

from bridge.broker import Connect, connect
from bridge.config import logs
from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.contract.account import Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError
from bridge.contract.health import Health
from bridge.contract.light import LightCommand
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.contract.registration import Registration
from bridge.contract.retry import Random
from bridge.contract.wire import Message, encode_json
from bridge.microsoft import Writer
from bridge.microsoft.accounts import OpenHttp
from bridge.service.composition import Composition, OpenLocalApi, OpenPage
from bridge.service.followed_accounts import ALONE_MOST
from bridge.service.registration_change import change_registration, registration_of


class Service:
    """One running bridge; the ``Commands`` that the broker, the page and the shell ask for.

    ``alone_most`` people of a table each say until when they are current; of more their table does.
    ``file`` is where ``read_config`` reads; ``stopping`` is called once, when the end begins.
    """

    def __init__(
        self,
        config: Config,
        *,
        read_config: Callable[[], Config] | None = None,
        file: Path | None = None,
        open_page: OpenPage | None = None,
        open_local_api: OpenLocalApi | None = None,
        connect: Connect = connect,
        open_http: OpenHttp | None = None,
        executor: Executor | None = None,
        stopping: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        random: Random = _random,
        alone_most: int = ALONE_MOST,
    ) -> None:
        self._config, self._file, self._stopping = config, file, stopping
        self._read_config = read_config or (lambda: config)
        self._clock = clock = clock or SystemClock()
        self._open_page, self._open_local_api = open_page, open_local_api
        self._parts = Composition(
            self,
            config,
            read_config=self._read_config,
            connect=connect,
            open_http=open_http,
            executor=executor,
            clock=clock,
            random=random,
            alone_most=alone_most,
        )
        self._began_s = self._clock.monotonic()
        self._stop = asyncio.Event()
        self.restart_wanted = False
        """Set when the service stopped in order to start anew."""

    async def run(self) -> None:
        """Serve until ``stop`` is called; then end in order, and leave nothing behind.

        Raises:
            ConfigError: Something that the config names is missing or cannot be read.
        """
        opening = self._parts.opened(self._open_page, self._open_local_api)
        async with opening as works, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work(), name=name) for name, work in works.items()]
            await self._stop.wait()
            for task in running:
                task.cancel()

    def stop(self) -> None:
        """End ``run`` in order."""
        if not self._stop.is_set():
            self._stopping()
        self._stop.set()

    def restart(self) -> None:
        """Stop in order, to be started again."""
        self.restart_wanted = True
        self.stop()

    def poll(self, account: str | None = None) -> None:
        """Read one account, or all, now.

        Raises:
            PresenceBridgeError: Nothing of it can be read now; says why.
        """
        self._parts.must_serve()
        sources = self._parts.sources
        if account is not None:
            sources.source_of(account)
        why = sources.why_unread(account, self._config.zone)
        sources.poll(account)
        if why:
            raise why

    def sign_in(self, account: str, way: Way | None = None) -> None:
        """Start to sign ``account`` (or table) in, by its own way if no other is given."""
        self._parts.sources.source_of(account).credentials.request(way)

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the address that a browser ended on."""
        self._parts.sources.source_of(account).credentials.finish_browser(address)

    async def keep_sign_in(self, account: str) -> None:
        """Keep somebody unexpected who has signed in."""
        await self._parts.sources.source_of(account).credentials.keep()

    def cancel_sign_in(self, account: str) -> None:
        """Withdraw a code or an address that waits for a person."""
        self._parts.sources.source_of(account).credentials.cancel()

    async def sign_out(self, account: str) -> None:
        """Forget the sign-in of ``account``."""
        await self._parts.sources.source_of(account).credentials.sign_out()

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None = None
    ) -> str | None:
        """Show ``account`` as ``presence``. Returns what a person must know about it, if any."""
        note = await self._writer(account).prefer(presence, lasts)
        self._parts.sources.poll(account)
        return note

    async def set_status_message(
        self, account: str, text: str, lasts: timedelta | None = None
    ) -> None:
        """Set the status message of ``account``; an empty one removes it."""
        await self._writer(account).say(text, lasts)
        self._parts.sources.poll(account)

    async def set_work_location(
        self, account: str, location: PreferredLocation, place_id: str | None = None
    ) -> None:
        """Set where ``account`` works today."""
        await self._writer(account).locate(location, place_id)
        self._parts.sources.poll(account)

    async def clear_presence(self, account: str) -> None:
        """Clear the preferred presence and the status message of ``account``."""
        await self._writer(account).clear()
        self._parts.sources.poll(account)

    def preferred(self, account: str) -> Preferred:
        """What was set by ``set_presence``."""
        return self._writer(account).preferred

    def command_light(self, light: str, command: LightCommand) -> None:
        """Send ``command`` to the driver of ``light``."""
        payload = encode_json(command.model_dump(by_alias=True, exclude_none=True))
        topic = self._config.topics.light(light, "set")
        self._parts.publisher.broker.publish(Message(topic, payload, retain=False))

    def reload(self) -> list[str]:
        """Follow the accounts that the config file names now; the others go on undisturbed."""
        return self._parts.reload()

    async def add_person(self, account: str, name: str, way: Way) -> None:
        """Follow somebody whom the config file does not name, and start to sign them in."""
        if self._config.standby.node:
            raise PersonMustActError(
                "With a standby nobody is added on the page.",
                remedy="Add them to config.toml of both nodes, then run presence-bridge reload.",
            )
        self._parts.followed.add(account, AccountSettings(name=name, sign_in=way.value))
        self.sign_in(account, way)

    async def remove_person(self, account: str) -> None:
        """Sign out somebody who was added, and stop following them."""
        if account not in self._parts.followed.config.added:
            raise PersonMustActError(
                f"{account} was not added here.", remedy="Take it out of the config file."
            )
        await self.sign_out(account)
        self._parts.followed.remove(account)

    def registration(self, account: str) -> Registration | None:
        """The app registration that the sign-in of ``account`` (or table) uses."""
        table = self._parts.sources.source_of(account).slug
        return registration_of(self._parts.followed.config, table)

    async def change_registration(self, account: str, wanted: Registration) -> None:
        """Use ``wanted`` for the sign-in of ``account`` (or table), and start that anew."""
        if self._file is None:
            raise PersonMustActError("There is no config file to change.", remedy="")
        await change_registration(
            self._file,
            self._parts.sources.source_of(account).slug,
            wanted,
            config=self._parts.followed.config,
            read=self._read_config,
            reload=self.reload,
        )
        self.sign_in(account)

    def set_log_level(self, level: str) -> None:
        """Change the log level."""
        logs.set_level(level)

    def log_level(self) -> str:
        """The log level in force."""
        return logs.level()

    def health(self) -> Health:
        """The state of the service now."""
        return self._parts.health(uptime_s=int(self._clock.monotonic() - self._began_s))

    def _writer(self, account: str) -> Writer:
        self._parts.must_serve()
        writer = self._parts.sources.source_of(account).writer
        if writer is None:
            raise PersonMustActError(
                f"The presence of {account} is not set from here.",
                remedy=f"Add set_presence = true to [accounts.{account}], then sign in again.",
            )
        return writer
