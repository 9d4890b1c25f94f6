"""One account at Microsoft, and the owner of what accounts share. Never decides when to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from functools import partial
from random import random as _random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bridge.config import Config, NetworkSettings
from bridge.contract.account import SignIn, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.microsoft.app_only import AppOnly
from bridge.microsoft.budget import REQUESTS_AN_HOUR, Budget, Pauses
from bridge.microsoft.cache import TokenCache, token_file
from bridge.microsoft.certificate import load
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.credentials import Credentials
from bridge.microsoft.graph import Graph
from bridge.microsoft.http import Http, aiohttp_client, msal_session
from bridge.microsoft.readers import Reader, Readers
from bridge.microsoft.registration import identity
from bridge.microsoft.scopes import scopes_of
from bridge.microsoft.sealing import load_seal
from bridge.microsoft.tenant import Tenant, look_up
from bridge.microsoft.writing import Writer, file_of
from bridge.retry import Random

WORKERS = 64
"""At the most; one is started when all others are busy."""
OpenHttp = Callable[[NetworkSettings], AbstractAsyncContextManager[Http]]
READ_ONCE_S = 60.0


class MicrosoftAccount:
    """One sign-in, and the presence of all who are read through it."""

    def __init__(
        self,
        slug: str,
        *,
        credentials: Credentials | AppOnly,
        reader: Reader,
        budget: Budget,
        writer: Writer | None = None,
    ) -> None:
        self.slug = slug
        self.writer = writer
        """Sets the person's presence, where the config allows it."""
        self._credentials, self._reader, self._budget = credentials, reader, budget

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account slugs and their names for people; another object when they are others."""
        return self._reader.accounts

    @property
    def calls(self) -> int:
        """Requests that one read needs."""
        return self._reader.calls

    @property
    def sign_in(self) -> Latest[SignIn]:
        """Where the sign-in stands."""
        return self._credentials.sign_in

    @property
    def throttled_until(self) -> datetime | None:
        """Nothing is sent before this moment."""
        return self._budget.blocked_until

    async def read(self) -> Mapping[str, Presence]:
        """The presences now, by account slug. Raises as the ``Source`` of polling says."""
        return await self._reader.read()

    async def read_once(self) -> Mapping[str, Presence]:
        """As ``read``, for who does not run the account; within ``READ_ONCE_S``."""
        running = asyncio.create_task(self.run(), name=f"once-{self.slug}")
        try:
            async with asyncio.timeout(READ_ONCE_S):
                return await self.read()
        except TimeoutError:
            raise SourceUnavailableError("Microsoft did not answer in time") from None
        finally:
            running.cancel()
            await asyncio.wait({running})

    def request_sign_in(self, way: Way | None = None) -> None:
        """Start a sign-in soon, by the account's own way if no other is given."""
        if isinstance(self._credentials, AppOnly):
            self._credentials.request_sign_in()
        else:
            self._credentials.request_sign_in(way)

    async def begin_browser(self) -> str:
        """The address to open; raises as ``Credentials.begin_browser``."""
        return await self._persons.begin_browser()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that a browser ended on; raises as ``Credentials.finish_browser``."""
        self._persons.finish_browser(pasted)

    @property
    def _persons(self) -> Credentials:
        if isinstance(self._credentials, AppOnly):
            raise PersonMustActError(f"{self.slug} signs in by its certificate.", remedy="")
        return self._credentials

    async def sign_out(self) -> None:
        """Forget the sign-in. Raises ``ConfigError`` for one that the config itself holds."""
        await self._credentials.sign_out()

    async def run(self) -> None:
        """Do requested sign-ins, and keep the accounts up to date, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reader.run(), name=f"people-{self.slug}")
            await self._credentials.run()

    def release(self) -> None:
        """Leave the people to other tables, for an account that is not run any more."""
        self._reader.release()


class Microsoft:
    """Owns the HTTP connections, the workers and the budgets of all accounts."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        open_http: OpenHttp = aiohttp_client,
        executor: Executor | None = None,
        random: Random = _random,
    ) -> None:
        self._config, self._clock, self._random = config, clock, random
        self._budgets: dict[str, Budget] = {}
        self._readers = Readers(clock, random=random)
        self._pauses = Pauses(config.state_dir / "pauses.json", clock)
        self._open_http, self._open = open_http, AsyncExitStack()
        self._http: Http | None = None
        self._executor: Executor | None = executor

    async def __aenter__(self) -> Self:
        """Open what is shared. Raises ``ConfigError`` for authorities that cannot be read."""
        self._http = await self._open.enter_async_context(self._open_http(self._config.network))
        if self._executor is None:
            self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="msal")
            self._open.callback(self._executor.shutdown, wait=False, cancel_futures=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; a worker that still talks to Microsoft is not waited for."""
        await self._open.aclose()
        await self._pauses.close()

    def use(self, config: Config) -> None:
        """Make accounts from ``config`` from now on; those that were made stay as they are."""
        self._config = config

    @property
    def requests_last_hour(self) -> int:
        """Requests of all apps in all tenants."""
        return sum(budget.last_hour for budget in self._budgets.values())

    @property
    def requests_allowed_hour(self) -> int:
        """What the limits of these apps in their tenants add up to."""
        return REQUESTS_AN_HOUR * len(self._budgets)

    async def tenant_of(self, slug: str) -> Tenant:
        """Look the tenant of ``[accounts.slug]`` up, without signing in.

        Raises:
            ConfigError: Tenant or client id is missing.
            PersonMustActError: There is no such tenant.
            SourceUnavailableError: Microsoft's sign-in cannot be reached.
        """
        assert self._http is not None
        tenant, _ = identity(self._config, slug)
        login_url = cloud_of(self._config.microsoft_of(slug)).login_url
        return await look_up(self._http, login_url, tenant)

    def account(self, slug: str) -> MicrosoftAccount:
        """The account of ``[accounts.slug]``.

        Raises:
            ConfigError: Its tenant, client id or certificate is missing or cannot be used.
        """
        assert self._http is not None
        cloud = cloud_of(self._config.microsoft_of(slug))
        tenant, client_id = identity(self._config, slug)
        budget = self._budget(client_id, tenant)
        credentials = self._credentials(slug)
        graph = Graph(
            self._http,
            cloud.graph_url,
            tokens=credentials,
            budget=budget,
            clock=self._clock,
            random=self._random,
        )
        reader = self._readers.reader(self._config, slug, graph=graph, sign_in=credentials.sign_in)
        writer = None
        if self._config.accounts[slug].set_presence:
            file = file_of(self._config.state_dir, slug)
            writer = Writer(graph, file=file, clock=self._clock)
        return MicrosoftAccount(
            slug, credentials=credentials, reader=reader, budget=budget, writer=writer
        )

    def _credentials(self, slug: str) -> Credentials | AppOnly:
        assert self._executor is not None
        settings, network = self._config.microsoft_of(slug), self._config.network
        cloud = cloud_of(settings)
        tenant, client_id = identity(self._config, slug)
        login_host = urlsplit(cloud.login_url).hostname or ""
        authority = f"{cloud.login_url}/{tenant}"
        if self._config.accounts[slug].sign_in == "app":
            load(settings)  # what cannot be used is told now
            return AppOnly(
                slug,
                client_id=client_id,
                authority=authority,
                scope=f"{cloud.scope_root}/.default",
                http=lambda: msal_session(network, login_host),
                certificate=partial(load, settings),
                executor=self._executor,
                clock=self._clock,
            )
        return Credentials(
            slug,
            client_id=client_id,
            authority=authority,
            http=lambda: msal_session(network, login_host),
            cache=TokenCache(
                token_file(self._config, slug), load_seal(self._config.security.key_file)
            ),
            executor=self._executor,
            clock=self._clock,
            way=Way(self._config.accounts[slug].sign_in),
            scopes=scopes_of(self._config.accounts[slug], cloud),
            random=self._random,
        )

    def _budget(self, client_id: str, tenant: str) -> Budget:
        """The one of this app in this tenant; a pause from before a restart goes on."""
        key = f"{client_id} {tenant.lower()}"
        if key not in self._budgets:
            self._budgets[key] = Budget(
                self._clock,
                blocked_until=self._pauses.end_of(key),
                keep=partial(self._pauses.keep, key),
            )
        return self._budgets[key]
