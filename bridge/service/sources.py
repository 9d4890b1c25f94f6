"""The account tables that are followed: a poller and a sign-in for each.

A new config is compared with the old one; what it leaves as it is goes on undisturbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import tzinfo
from itertools import chain
from random import random as _random

from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.config.tables.hours import hours_of
from bridge.contract.account import NEEDS_SIGN_IN, AccountFacts, Followed
from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import ConfigError, PersonMustActError, PresenceBridgeError
from bridge.contract.retry import Random
from bridge.contract.supervised import supervised
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.polling import EpochAt, Poller, Status
from bridge.service.followed_accounts import ALONE_MOST, FollowedTable, settings_of, why_unread

FIRST_READS_S = 5.0
"""Who begins to serve waits so long for the first read of everybody."""
TRIED_EVERY_S = 86_400.0
"""A node that waits tries its sign-ins so often: one that nobody uses ends some day."""
NOBODY_HERE = "Nobody is signed in on this node, which waits: it could not take over."


class Sources:
    """Reads and signs in the tables that are followed.

    Unless it ``reads`` it only signs in, until ``begin_reading``.
    """

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
        reads: bool = True,
        alone_most: int = ALONE_MOST,
    ) -> None:
        self._microsoft, self._announce = microsoft, announce
        self.reports = [report]
        """They get the facts that are news, in this order."""
        self._turned, self._alone_most = turned, alone_most
        self._config: Config | None = None
        self._clock, self._random, self._epoch = clock, random, epoch
        self._tables: dict[str, FollowedTable] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[str, list[asyncio.Task[None]]] = {}
        self._reads = reads
        self._polling: dict[str, list[asyncio.Task[None]]] = {}

    @property
    def statuses(self) -> dict[str, Status]:
        """The status of each table."""
        if self._reads:
            return {slug: followed.poller.status for slug, followed in self._tables.items()}
        return {slug: _of_who_waits(followed.source) for slug, followed in self._tables.items()}

    def poll(self, account: str | None) -> None:
        """Read one account, or all, at once; not while Microsoft asks us to wait."""
        for followed in self._tables.values():
            mine = account is None or account in followed.source.accounts
            if mine and followed.source.throttled_until is None:
                followed.poller.poll_now()

    def why_unread(self, account: str | None, zone: tzinfo | None) -> PresenceBridgeError | None:
        """Why ``account``, or nobody at all, can be read now; ``None`` when it can."""
        asked = [
            (followed.poller.status, followed.source.sign_in.value)
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

    async def begin_reading(self, *, anew: bool) -> None:
        """Read, ``anew`` as if nothing was read before; return soon after the first answers."""
        if anew:
            self._tables = {
                slug: followed._replace(poller=self._poller(followed.source, followed.table))
                for slug, followed in self._tables.items()
            }
        self._reads = True
        for slug in self._tables:
            self._start_reading(slug)
        with suppress(TimeoutError):
            await within(FIRST_READS_S, self._tried())

    async def _tried(self) -> None:
        for followed in self._tables.values():
            await followed.poller.tried.wait()

    def stop_reading(self) -> None:
        """Read nobody any more; sign-ins go on."""
        self._reads = False
        for task in chain.from_iterable(self._polling.values()):
            task.cancel()
        self._polling.clear()

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
        wanted = {slug: settings_of(config, slug) for slug in config.accounts}
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
            for task in (*self._running.pop(slug, ()), *self._polling.pop(slug, ())):
                task.cancel()
        self._announce_all()
        for slug in added:
            self._start(slug)

    def _announce_all(self) -> None:
        """Announce who is followed now."""
        everybody: dict[str, Followed] = {}
        for slug, followed in self._tables.items():
            everybody |= followed.people(slug, alone_most=self._alone_most)
        self._announce(everybody)

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
            self._running[slug] = [self._tasks.create_task(signing_in, name=f"sign-in-{slug}")]
            if self._reads:
                self._start_reading(slug)
            else:
                trying = self._try_sign_in(followed.source)
                self._running[slug].append(self._tasks.create_task(trying, name=f"try-{slug}"))

    def _start_reading(self, slug: str) -> None:
        if self._tasks is not None:
            polling = self._tables[slug].poller.run()
            self._polling[slug] = [self._tasks.create_task(polling, name=f"poll-{slug}")]

    async def _try_sign_in(self, source: MicrosoftAccount) -> None:
        """Have it ready, and offer a sign-in where there is none."""
        while True:
            if not self._reads:
                with suppress(PresenceBridgeError):
                    await source.credentials.token()
            await self._clock.sleep(TRIED_EVERY_S)

    def _build(
        self, config: Config, settings: Mapping[str, tuple[object, ...]]
    ) -> dict[str, FollowedTable]:
        self._config = config
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
            built[slug] = FollowedTable(needs, table, source, self._poller(source, table))
        if problems:
            for followed in built.values():
                followed.source.reader.release()
            raise ConfigError(list(problems))
        return built

    def _poller(self, source: MicrosoftAccount, table: AccountSettings) -> Poller:
        assert self._config
        poller = Poller(
            source,
            settings=self._config.polling,
            hours=hours_of(table.hours) if table.hours else None,
            zone=self._config.zone,
            reports=self.reports,
            announce=self._announce_all,
            turned=self._turned,
            clock=self._clock,
            random=self._random,
            epoch=self._epoch,
        )
        poller.show_messages(shown=table.status_message)
        return poller


def _of_who_waits(source: MicrosoftAccount) -> Status:
    needs = source.sign_in.value.state in NEEDS_SIGN_IN
    name = source.accounts.get(source.slug)
    return Status(problem=NOBODY_HERE if needs else None, name=name, needs_sign_in=needs)
