"""The account tables that are followed: a poller and a sign-in for each.

A new config is compared with the old one; what it leaves as it is goes on undisturbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import tzinfo
from random import random as _random
from typing import NamedTuple

from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.config.tables.hours import hours_of
from bridge.contract.account import AccountFacts, Followed, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import ConfigError, PersonMustActError, PresenceBridgeError
from bridge.contract.supervised import supervised
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.polling import EpochAt, Poller, Status
from bridge.retry import Random
from bridge.service.readable import Sight, why_unread

_UNDISTURBED = ("set_presence", "status_message", "homeassistant")
"""Keys of a table that do not decide who is read, or how."""


class FollowedTable(NamedTuple):
    """One account table that is followed, and with it one person or many."""

    settings: tuple[object, ...]
    """All of the config that it depends on."""
    table: AccountSettings
    """As it is now; what is in it and not in ``settings`` can change while it goes on."""
    source: MicrosoftAccount
    poller: Poller


class Sources:
    """Reads and signs in the tables that are followed."""

    def __init__(
        self,
        microsoft: Microsoft,
        *,
        report: Callable[[AccountFacts], None],
        announce: Callable[[Mapping[str, Followed]], None],
        turned: Callable[[], None] = lambda: None,
        clock: Clock,
        random: Random = _random,
        epoch: EpochAt = lambda _: None,
    ) -> None:
        self._microsoft, self._report, self._announce = microsoft, report, announce
        self._turned = turned
        self._clock, self._random, self._epoch = clock, random, epoch
        self._tables: dict[str, FollowedTable] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[str, list[asyncio.Task[None]]] = {}

    @property
    def statuses(self) -> dict[str, Status]:
        """The status of each table."""
        return {slug: followed.poller.status for slug, followed in self._tables.items()}

    def poll(self, account: str | None) -> None:
        """Read one account, or all, at once; not while Microsoft asks us to wait."""
        for followed in self._tables.values():
            mine = account is None or account in followed.source.accounts
            if mine and followed.source.throttled_until is None:
                followed.poller.poll_now()

    def why_unread(self, account: str | None, zone: tzinfo | None) -> PresenceBridgeError | None:
        """Why ``account``, or nobody at all, can be read now; ``None`` when it can."""
        asked = [
            Sight(followed.poller.status, followed.source.sign_in.value)
            for followed in self._tables.values()
            if account is None or account in followed.source.accounts
        ]
        return why_unread(asked, zone)

    def report_soon(self) -> None:
        """Report everybody's facts again where they are news, without a read."""
        for followed in self._tables.values():
            followed.poller.report_soon()

    def source_of(self, slug: str) -> MicrosoftAccount:
        """The source that reads the account ``slug``, or the one of the table ``slug``.

        Raises:
            PersonMustActError: It is not followed, or not any more.
        """
        for followed in self._tables.values():
            if slug in followed.source.accounts:
                return followed.source
        if slug in self._tables:
            return self._tables[slug].source
        raise PersonMustActError(f"{slug} is not followed.", remedy="Look who is followed now.")

    async def run(self) -> None:
        """Read and sign in all that are followed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for slug in self._tables:
                self._start(slug)
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None  # a reload during the stop starts nobody

    def follow(self, config: Config) -> None:
        """Follow exactly the accounts of ``config``, at once or as soon as ``run`` runs.

        Raises:
            ConfigError: Something is missing, for all accounts at once; nothing has changed then.
        """
        wanted = {slug: _settings(config, slug) for slug in config.accounts}
        kept = {
            slug: followed._replace(table=config.accounts[slug])
            for slug, followed in self._tables.items()
            if wanted.get(slug) == followed.settings
        }
        added = self._build(config, {s: needs for s, needs in wanted.items() if s not in kept})
        for followed in kept.values():
            self._microsoft.let_write(followed.source)
            followed.poller.show_messages(shown=followed.table.status_message)
        gone = {slug: followed for slug, followed in self._tables.items() if slug not in kept}
        self._tables = {slug: kept.get(slug) or added[slug] for slug in wanted}
        for slug, followed in gone.items():
            followed.source.reader.release()
            for task in self._running.pop(slug, ()):
                task.cancel()
        self._announce_all()
        for slug in added:
            self._start(slug)

    def _announce_all(self) -> None:
        """Announce who is followed now."""
        self._announce(
            {
                slug: Followed(
                    name,
                    discover=followed.table.homeassistant,
                    settable=bool(followed.source.writer),
                    says=followed.table.status_message,
                    ways=_ways(followed.table),
                    table=table if _reads_several(followed.table) else None,
                )
                for table, followed in self._tables.items()
                for slug, name in followed.source.accounts.items()
            }
        )

    def _start(self, slug: str) -> None:
        if self._tasks is not None:
            followed = self._tables[slug]
            signing_in = supervised(
                followed.source.run,
                name=slug,
                clock=self._clock,
                failed=followed.poller.broke,
                random=self._random,
            )
            self._running[slug] = [
                self._tasks.create_task(signing_in, name=f"sign-in-{slug}"),
                self._tasks.create_task(followed.poller.run(), name=f"poll-{slug}"),
            ]

    def _build(
        self, config: Config, settings: Mapping[str, tuple[object, ...]]
    ) -> dict[str, FollowedTable]:
        built: dict[str, FollowedTable] = {}
        problems: dict[str, None] = {}  # each once, in their order
        self._microsoft.use(config)
        for slug, needs in settings.items():
            try:
                source = self._microsoft.account(slug)
            except ConfigError as error:
                problems |= dict.fromkeys(error.problems)
                continue
            table = config.accounts[slug]
            poller = Poller(
                source,
                settings=config.polling,
                hours=hours_of(table.hours) if table.hours else None,
                zone=config.zone,
                report=self._report,
                announce=self._announce_all,
                turned=self._turned,
                clock=self._clock,
                random=self._random,
                epoch=self._epoch,
            )
            poller.show_messages(shown=table.status_message)
            built[slug] = FollowedTable(needs, table, source, poller)
        if problems:
            for followed in built.values():
                followed.source.reader.release()
            raise ConfigError(list(problems))
        return built


def _ways(table: AccountSettings) -> tuple[Way, ...]:
    """Both of them, the one of the config first; an app needs neither."""
    if table.sign_in == "app":
        return ()
    chosen = Way(table.sign_in)
    return (chosen, *(way for way in Way if way is not chosen))


def _reads_several(table: AccountSettings) -> bool:
    return bool(table.group or table.people or table.watch)


def _settings(config: Config, slug: str) -> tuple[object, ...]:
    """All that a table depends on; what else is in it changes while its people are read on."""
    own, plain = config.accounts[slug], AccountSettings()
    undisturbed = {key: getattr(plain, key) for key in _UNDISTURBED}
    several = _reads_several(own)
    near = [table for table in config.accounts if several and table.startswith(f"{slug}_")]
    return (
        own.model_copy(update=undisturbed),
        config.microsoft_of(slug),
        config.network,
        config.polling,
        config.time_zone,
        tuple(near),
    )
