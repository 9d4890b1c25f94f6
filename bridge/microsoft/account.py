"""One account at Microsoft, and the owner of what accounts share. Never decides when to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from functools import partial
from random import random as _random
from types import TracebackType
from typing import Self

from bridge.config.models import Config, NetworkSettings
from bridge.contract.account import SignIn, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.microsoft.budget import REQUESTS_AN_HOUR, Budget, Pauses
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.connections import KEPT_S, aiohttp_client
from bridge.microsoft.graph import Graph
from bridge.microsoft.http import Http
from bridge.microsoft.people.readers import Reader, Readers
from bridge.microsoft.sign_in.app_only import AppSignIn
from bridge.microsoft.sign_in.encryption import load_seal
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.sign_in.registration import identity
from bridge.microsoft.sign_in.scopes import scopes_of
from bridge.microsoft.sign_in.stored import PublicApp
from bridge.microsoft.sign_in.tenant import Tenant, look_up
from bridge.microsoft.sign_in.token_cache import TokenCache, token_file
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
        credentials: PersonSignIn | AppSignIn,
        reader: Reader,
        graph: Graph,
        budget: Budget,
    ) -> None:
        self.slug = slug
        self.graph = graph
        self.writer: Writer | None = None
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
        """As ``read``, for who does not run the account; asks nobody, within ``READ_ONCE_S``."""
        running = asyncio.create_task(self._run(may_offer=False), name=f"once-{self.slug}")
        try:
            async with asyncio.timeout(READ_ONCE_S):
                return await self.read()
        except TimeoutError:
            raise SourceUnavailableError("Microsoft did not answer in time") from None
        finally:
            running.cancel()
            await asyncio.wait({running})

    def let_write(self, writer: Writer | None, scopes: Sequence[str]) -> None:
        """Set presence by ``writer``; ``scopes`` are for the next person who signs in."""
        self.writer = writer
        if isinstance(self._credentials, PersonSignIn):
            self._credentials.ask_for(scopes)

    def request_sign_in(self, way: Way | None = None) -> None:
        """Start a sign-in soon, by the account's own way if no other is given."""
        self._credentials.request(way)

    def cancel_sign_in(self) -> None:
        """Take back a code, or an address, that waits; who is signed in stays so."""
        self._credentials.cancel()

    def finish_browser(self, pasted: str) -> None:
        """Take the address that a browser ended on; ``sign_in`` tells what follows.

        Raises:
            PersonMustActError: It is not the one that is waited for; the text says which is.
        """
        self._credentials.finish_browser(pasted)

    async def sign_out(self) -> None:
        """Forget the sign-in.

        Raises:
            ConfigError: The config itself holds it.
            PersonMustActError: What is stored cannot be deleted.
        """
        await self._credentials.sign_out()

    async def run(self) -> None:
        """Do sign-ins that are requested or needed, and keep the accounts up to date."""
        await self._run(may_offer=True)

    async def sign_in_only(self) -> None:
        """Do the sign-ins that are requested, and read nobody, until cancelled."""
        await self._credentials.run(may_offer=False)

    async def check_sign_in(self) -> None:
        """Get a token anew, from what is stored or configured. Raises as ``read``."""
        await self._credentials.token(refresh=True)

    async def _run(self, *, may_offer: bool) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reader.run(), name=f"people-{self.slug}")
            await self._credentials.run(may_offer=may_offer)

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
        open_http: OpenHttp | None = None,
        executor: Executor | None = None,
        random: Random = _random,
    ) -> None:
        self._config, self._clock, self._random = config, clock, random
        self._budgets: dict[str, Budget] = {}
        self._readers = Readers(clock, random=random)
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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

    def _credentials(self, slug: str) -> PersonSignIn | AppSignIn:
        assert self._workers is not None
        settings, account = self._config.microsoft_of(slug), self._config.accounts[slug]
        cloud = cloud_of(settings)
        tenant, client_id = identity(self._config, slug)
        authority = f"{cloud.login_url}/{tenant}"
        if account.sign_in == "app":
            from bridge.microsoft.sign_in.certificate import load  # noqa: PLC0415 - 8 MiB

            load(settings)  # what cannot be used is told now
            return AppSignIn(
                slug,
                client_id=client_id,
                authority=authority,
                scope=f"{cloud.scope_root}/.default",
                workers=self._workers,
                certificate=partial(load, settings),
                clock=self._clock,
            )
        seal = load_seal(self._config.security.key_file)
        cache = TokenCache(token_file(self._config, slug), seal)
        return PersonSignIn(
            slug,
            app=PublicApp(client_id, authority),
            workers=self._workers,
            cache=cache,
            clock=self._clock,
            stored=cache.is_stored,
            way=Way(account.sign_in),
            scopes=scopes_of(account, cloud),
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
