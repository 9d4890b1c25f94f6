"""Account tables that follow others than who signs in, before the simulated Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.microsoft.sign_in.certificate import CreatedFiles
from tests.fakes.clock import ManualClock
from tests.fakes.key_pair import KeyPair
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person

BULK, MEMBERS, USER, TOKEN = "presences", "group.members", "user", "token.client_credentials"


@dataclass
class Office:
    """What a test needs to start tables; ``folder`` holds the certificate and the state."""

    folder: Path
    simulated: ScriptedMicrosoft
    home: Household
    clock: ManualClock
    certificate: CreatedFiles

    def config(
        self, accounts: Mapping[str, Any], microsoft: Mapping[str, Any] | None = None
    ) -> Config:
        return Config.model_validate(
            {
                "state_dir": self.folder / "state",
                "microsoft": {
                    "tenant": self.home.tenant.domain,
                    "client_id": self.home.app.client_id,
                    "login_url": self.simulated.login_url,
                    "graph_url": self.simulated.graph_url,
                    "certificate_file": self.certificate.certificate_file,
                    "private_key_file": self.certificate.key_file,
                }
                | dict(microsoft or {}),
                "network": {"ca_file": self.simulated.ca_file},
                "accounts": accounts,
            }
        )

    def hire(self, *names: str) -> list[Person]:
        """People of the tenant, by the local part of their names."""
        domain = self.home.tenant.domain
        return [
            self.home.directory.add_person(self.home.tenant, f"{name}@{domain}") for name in names
        ]

    def count(self, endpoint: str) -> int:
        return self.simulated.requests.count(endpoint)

    @asynccontextmanager
    async def open(
        self,
        accounts: Mapping[str, Any],
        *,
        clock: Clock | None = None,
        microsoft: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Tables]:
        """One start of the bridge with these tables; leaving the block ends it."""
        config = self.config(accounts, microsoft)
        async with Microsoft(config, clock or self.clock, random=lambda: 1.0) as opened:
            built = [opened.account(slug) for slug in accounts]
            running = [asyncio.create_task(account.run()) for account in built]
            try:
                yield Tables({account.slug: account for account in built})
                assert not any(task.done() for task in running), running
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)


@dataclass
class Tables:
    """Tables that run."""

    accounts: dict[str, MicrosoftAccount]

    def __getitem__(self, slug: str) -> MicrosoftAccount:
        return self.accounts[slug]

    async def shown(self, slug: str) -> dict[str, str | None]:
        """What one read of a table gives: availability by account."""
        presences = await self.accounts[slug].read()
        return {account: p.raw_availability for account, p in sorted(presences.items())}

    async def until_shown(self, slug: str, accounts: set[str]) -> None:
        """Read until exactly ``accounts`` have a presence: who they are is looked up meanwhile."""
        async with asyncio.timeout(10):
            while set(await self.shown(slug)) != accounts:  # noqa: ASYNC110 - a read is asked for
                await asyncio.sleep(0.01)

    async def until(self, slug: str, *states: SignInState) -> SignIn:
        async with asyncio.timeout(10):
            async for sign_in in self.accounts[slug].sign_in.watch():
                if sign_in.state in states:
                    return sign_in
        raise AssertionError("watch never ends")


def app_certificate(folder: Path) -> CreatedFiles:
    return KeyPair(days=730).write(folder)
