"""Makes the accounts at Microsoft and owns what they share: connections, workers, budgets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from functools import partial
from random import random as _random
from typing import Self

from bridge.config.tables.config import Config, NetworkSettings
from bridge.contract.account import Way
from bridge.contract.clock import Clock
from bridge.contract.retry import Random
from bridge.microsoft.account import MicrosoftAccount
from bridge.microsoft.budget import REQUESTS_AN_HOUR, Budget
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.connections import KEPT_S, aiohttp_client
from bridge.microsoft.graph import Graph
from bridge.microsoft.http import Http
from bridge.microsoft.pauses import Pauses
from bridge.microsoft.people.readers import Readers
from bridge.microsoft.sign_in.app_only import AppSignIn
from bridge.microsoft.sign_in.encryption import load_seal
from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.sign_in.registration import PublicApp, public_app
from bridge.microsoft.sign_in.same_account import SameAccount
from bridge.microsoft.sign_in.scopes import scopes_of
from bridge.microsoft.sign_in.tenant import FoundTenant, look_up
from bridge.microsoft.sign_in.token_cache import TokenCache, token_file
from bridge.microsoft.writing import Writer, file_of

WORKERS = 64
"""At the most; one is started when all others are busy."""
OpenHttp = Callable[[NetworkSettings], AbstractAsyncContextManager[Http]]


class Microsoft:
    """Owns the HTTP connections, the workers and the budgets of all accounts."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        open_http: OpenHttp | None = None,
        executor: Executor | None = None,
        random: Random = _random,
    ) -> None:
        self._config, self._clock, self._random = config, clock, random
        self._budgets: dict[str, Budget] = {}
        self._readers = Readers(clock, random=random)
        self._same_account = SameAccount()
        self._pauses = Pauses(config.state_dir / "pauses.json", clock)
        self._open_http = open_http or partial(
            aiohttp_client, kept_s=config.polling.slowest + KEPT_S
        )
        self._open = AsyncExitStack()
        self._executor = executor
        self._http: Http | None = None
        self._workers: MsalWorkers | None = None

    async def __aenter__(self) -> Self:
        """Open what is shared. Raises ``ConfigError`` for authorities that cannot be read."""
        self._http = await self._open.enter_async_context(self._open_http(self._config.network))
        executor = self._executor
        if executor is None:
            executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="msal")
            self._open.callback(executor.shutdown, wait=False, cancel_futures=True)
        self._workers = MsalWorkers(self._http, executor, self._clock)
        self._open.callback(self._workers.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it; a worker that still talks to Microsoft ends at once, and is not waited for."""
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

    def wait_until(self, until: datetime) -> None:
        """Send nothing before, as who served was asked to; of several apps nobody knows which."""
        if len(self._budgets) == 1:
            (budget,) = self._budgets.values()
            budget.block((until - self._clock.now()).total_seconds())

    async def tenant_of(self, slug: str) -> FoundTenant:
        """Look the tenant of ``[accounts.slug]`` up. Raises as ``public_app`` and ``look_up``."""
        assert self._http is not None
        tenant = public_app(self._config, slug).tenant
        login_url = cloud_of(self._config.microsoft_of(slug)).login_url
        return await look_up(self._http, login_url, tenant)

    def account(self, slug: str) -> MicrosoftAccount:
        """The account of ``[accounts.slug]``.

        Raises:
            ConfigError: Its tenant, client id or certificate is missing or cannot be used.
        """
        assert self._http is not None
        cloud = cloud_of(self._config.microsoft_of(slug))
        app = public_app(self._config, slug)
        budget, credentials = self._budget(app), self._credentials(slug, app)
        graph = Graph(
            self._http,
            cloud.graph_url,
            tokens=credentials,
            budget=budget,
            clock=self._clock,
            random=self._random,
        )
        reader = self._readers.reader(self._config, slug, graph=graph, sign_in=credentials.sign_in)
        account = MicrosoftAccount(
            slug, credentials=credentials, reader=reader, graph=graph, budget=budget
        )
        self.let_write(account)
        return account

    def let_write(self, account: MicrosoftAccount) -> None:
        """Let the presence be set, or no more, as the config says now; it is read undisturbed."""
        settings = self._config.accounts[account.slug]
        writer = None
        if settings.set_presence:
            file = file_of(self._config.state_dir, account.slug)
            writer = account.writer or Writer(account.graph, file=file, clock=self._clock)
        cloud = cloud_of(self._config.microsoft_of(account.slug))
        account.let_write(writer, scopes_of(settings, cloud))

    def _credentials(self, slug: str, app: PublicApp) -> PersonSignIn | AppSignIn:
        assert self._workers is not None
        settings, account = self._config.microsoft_of(slug), self._config.accounts[slug]
        cloud = cloud_of(settings)
        if account.sign_in == "app":
            from bridge.microsoft.sign_in.certificate import load  # noqa: PLC0415 - 8 MiB

            load(settings)  # what cannot be used is said now
            return AppSignIn(
                slug,
                app=app,
                scope=f"{cloud.scope_root}/.default",
                workers=self._workers,
                certificate=partial(load, settings),
                clock=self._clock,
            )
        seal = load_seal(self._config.security.key_file)
        cache = TokenCache(token_file(self._config, slug), seal)
        return PersonSignIn(
            Expected.by(slug, account),
            app=app,
            workers=self._workers,
            cache=cache,
            clock=self._clock,
            stored=cache.is_stored,
            way=Way(account.sign_in),
            scopes=scopes_of(account, cloud),
            same_account=self._same_account,
            random=self._random,
        )

    def _budget(self, app: PublicApp) -> Budget:
        """The one of this app in this tenant; a pause from before a restart goes on."""
        key = f"{app.client_id} {app.tenant.lower()}"
        if key not in self._budgets:
            self._budgets[key] = Budget(
                self._clock,
                blocked_until=self._pauses.end_of(key),
                save=partial(self._pauses.save, key),
            )
        return self._budgets[key]
