"""One account at Microsoft, and the owner of what accounts share. Never decides when to read."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from random import random as _random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from bridge.config import PLACEHOLDER_CLIENT_ID, Config
from bridge.contract.account import SignIn
from bridge.contract.clock import Clock
from bridge.contract.errors import ConfigError
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.microsoft.budget import Budget, Pauses
from bridge.microsoft.cache import TokenCache
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.credentials import Credentials
from bridge.microsoft.graph import Graph
from bridge.microsoft.http import graph_session, msal_session, proxy_for
from bridge.microsoft.tenant import Tenant, look_up
from bridge.retry import Random

WORKERS = 8


class MicrosoftAccount:
    """Presence and sign-in of one account."""

    def __init__(
        self, slug: str, name: str, *, credentials: Credentials, graph: Graph, budget: Budget
    ) -> None:
        self.slug = slug
        self.accounts: Mapping[str, str] = {slug: name}
        self._credentials, self._graph, self._budget = credentials, graph, budget

    @property
    def sign_in(self) -> Latest[SignIn]:
        """Where the sign-in stands."""
        return self._credentials.sign_in

    @property
    def throttled_until(self) -> datetime | None:
        """Nothing is sent before this moment."""
        return self._budget.blocked_until

    @property
    def requests_last_hour(self) -> int:
        """Requests of this app in this tenant."""
        return self._budget.last_hour

    async def read(self) -> Mapping[str, Presence]:
        """The presence now, by account slug. Raises as ``Graph.my_presence`` does."""
        return {self.slug: await self._graph.my_presence()}

    def request_sign_in(self) -> None:
        """Start a sign-in soon."""
        self._credentials.request_sign_in()

    async def sign_out(self) -> None:
        """Forget the sign-in."""
        await self._credentials.sign_out()

    async def run(self) -> None:
        """Do requested sign-ins until cancelled."""
        await self._credentials.run()


class Microsoft:
    """Owns the HTTP session, the workers and the budgets of all accounts."""

    def __init__(self, config: Config, clock: Clock, *, random: Random = _random) -> None:
        self._config, self._clock, self._random = config, clock, random
        self._budgets: dict[str, Budget] = {}
        self._pauses = Pauses(config.state_dir / "pauses.json", clock)
        self._session: aiohttp.ClientSession | None = None
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="msal")

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = graph_session(self._config.network)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the session; a worker that still talks to Microsoft is not waited for."""
        if self._session:
            await self._session.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def use(self, config: Config) -> None:
        """Make accounts from ``config`` from now on; those that were made stay as they are."""
        self._config = config

    async def tenant_of(self, slug: str) -> Tenant:
        """Look the tenant of ``[accounts.slug]`` up, without signing in.

        Raises:
            ConfigError: Tenant or client id is missing.
            PersonMustActError: There is no such tenant.
            SourceUnavailableError: Microsoft's sign-in cannot be reached.
        """
        assert self._session is not None
        tenant, _ = self._identity(slug)
        login_url = cloud_of(self._config.microsoft_of(slug)).login_url
        proxy = proxy_for(self._config.network, urlsplit(login_url).hostname or "")
        return await look_up(self._session, login_url, tenant, proxy=proxy)

    def account(self, slug: str) -> MicrosoftAccount:
        """The account of ``[accounts.slug]``.

        Raises:
            ConfigError: Its tenant or client id is missing.
        """
        assert self._session is not None
        settings, network = self._config.microsoft_of(slug), self._config.network
        cloud = cloud_of(settings)
        tenant, client_id = self._identity(slug)
        login_host = urlsplit(cloud.login_url).hostname or ""
        graph_host = urlsplit(cloud.graph_url).hostname or ""
        budget = self._budget(client_id, tenant)
        credentials = Credentials(
            slug,
            client_id=client_id,
            authority=f"{cloud.login_url}/{tenant}",
            http=lambda: msal_session(network, login_host),
            cache=TokenCache(self._config.state_dir / "tokens" / f"{slug}.json"),
            executor=self._executor,
            clock=self._clock,
            random=self._random,
        )
        graph = Graph(
            self._session,
            cloud.graph_url,
            tokens=credentials,
            budget=budget,
            clock=self._clock,
            proxy=proxy_for(network, graph_host),
            random=self._random,
        )
        name = self._config.accounts[slug].name or slug
        return MicrosoftAccount(slug, name, credentials=credentials, graph=graph, budget=budget)

    def _budget(self, client_id: str, tenant: str) -> Budget:
        """The one of this app in this tenant; a pause from before a restart goes on."""
        key = f"{client_id} {tenant}"
        if key not in self._budgets:
            self._budgets[key] = Budget(
                self._clock,
                blocked_until=self._pauses.end_of(key),
                keep=partial(self._pauses.keep, key),
            )
        return self._budgets[key]

    def _identity(self, slug: str) -> tuple[str, str]:
        """The tenant's name and the client id.

        Raises:
            ConfigError: One is missing, or still the placeholder.
        """
        settings = self._config.microsoft_of(slug)
        problems = [
            f"microsoft.{key}: is missing; account {slug} needs it"
            for key in ("tenant", "client_id")
            if not getattr(settings, key)
        ]
        if settings.client_id == PLACEHOLDER_CLIENT_ID:
            problems.append(
                "microsoft.client_id: still the placeholder; see docs/app-registration.md"
            )
        if problems:
            raise ConfigError(problems)
        return str(settings.tenant).rpartition("@")[2], str(settings.client_id)
