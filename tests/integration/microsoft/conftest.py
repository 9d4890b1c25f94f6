"""The bridge's side of Microsoft, with real msal and aiohttp, before the simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msal  # noqa: F401 - else it is loaded within the first test, and within its deadlines
import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.microsoft.sign_in.certificate import CreatedFiles
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person
from tests.integration.microsoft.office import Office, app_certificate

DEADLINE_S = 30.0
SHORT_S = 290
"""msal renews a token with less than 300 s left, so one of this lifetime at every silent call."""


@dataclass
class Bridge:
    """One start of the bridge with one account, alice; its sign-ins run."""

    account: MicrosoftAccount
    clock: ManualClock
    simulated: ScriptedMicrosoft
    microsoft: Microsoft

    async def until(self, *states: SignInState) -> SignIn:
        """The sign-in once it stands at one of ``states``."""
        async with asyncio.timeout(DEADLINE_S):
            async for sign_in in self.account.sign_in.watch():
                if sign_in.state in states:
                    return sign_in
        raise AssertionError("watch never ends")

    async def until_it_waits(self) -> SignIn:
        """The sign-in once a code or an address waits for a person."""
        async with asyncio.timeout(DEADLINE_S):
            async for sign_in in self.account.sign_in.watch():
                if sign_in.waits:
                    return sign_in
        raise AssertionError("watch never ends")

    async def code(self) -> str:
        """Ask for a code, by name; what a person must enter, when the bridge waits for it."""
        self.account.credentials.request(Way.DEVICE_CODE)
        waiting = await self.until_it_waits()
        await self.clock.until_asleep()
        assert waiting.user_code is not None
        return waiting.user_code

    async def address(self) -> str:
        """Ask for a sign-in in a browser; the address to open."""
        self.account.credentials.request(Way.BROWSER)
        waiting = await self.until_it_waits()
        assert waiting.verification_uri is not None
        return waiting.verification_uri

    async def poll(self, seconds: float = 5) -> None:
        """Let time pass until the bridge has polled once more for the code.

        A poll that has arrived is not answered yet: only who sleeps again is woken by the clock.
        """
        await self.clock.until_asleep()
        polls = self.simulated.requests.count("token.device_code")
        await self.clock.advance(seconds)
        await self.simulated.requests.until("token.device_code", polls + 1)

    async def sign_in(self, person: Person) -> None:
        """From nothing to signed in."""
        self.simulated.approve(await self.code(), person)
        await self.poll()
        await self.until_signed_in()

    async def until_signed_in(self) -> SignIn:
        """The sign-in once somebody is signed in and nothing waits."""
        async with asyncio.timeout(DEADLINE_S):
            async for sign_in in self.account.sign_in.watch():
                if sign_in.state is SignInState.SIGNED_IN and not sign_in.waits:
                    return sign_in
        raise AssertionError("watch never ends")


Start = Callable[[], AbstractAsyncContextManager[Bridge]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies and authorities stay out of it."""
    for name in ("https_proxy", "http_proxy", "all_proxy", "ssl_cert_file", "requests_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def config(tmp_path: Path, microsoft: ScriptedMicrosoft, home: Household) -> Config:
    return Config.model_validate(
        {
            "state_dir": tmp_path / "state",
            "microsoft": {
                "tenant": home.tenant.domain,
                "client_id": home.app.client_id,
                "login_url": microsoft.login_url,
                "graph_url": microsoft.graph_url,
            },
            "network": {"ca_file": microsoft.ca_file},
            "accounts": {"alice": {"name": "Alice"}},
        }
    )


@pytest.fixture
def cache_file(config: Config) -> Path:
    return config.state_dir / "tokens" / "alice.json"


@pytest.fixture
def start(config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft) -> Start:
    """Starts the bridge; leaving the block ends it, and another one is a restart."""
    return lambda: started(config, clock, microsoft)


@asynccontextmanager
async def started(
    config: Config, clock: ManualClock, simulated: ScriptedMicrosoft
) -> AsyncIterator[Bridge]:
    async with Microsoft(config, clock, random=lambda: 1.0) as opened:
        account = opened.account("alice")
        running = asyncio.create_task(account.run(), name="sign-in-alice")
        try:
            yield Bridge(account, clock, simulated, opened)
            assert not running.done(), running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def bridge(start: Start) -> AsyncIterator[Bridge]:
    """The first start, nobody signed in."""
    async with start() as running:
        yield running


@pytest.fixture
async def alices(bridge: Bridge, alice: Person, app: App) -> Bridge:
    """Alice has signed in."""
    await bridge.sign_in(alice)
    return bridge


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> CreatedFiles:
    return app_certificate(Path(tmp_path_factory.mktemp("app")))


@pytest.fixture
def office(
    tmp_path: Path,
    microsoft: ScriptedMicrosoft,
    home: Household,
    clock: ManualClock,
    made: CreatedFiles,
) -> Office:
    """An app that knows its certificate and may read presence."""
    home.app.certificates.append(made.certificate_file.read_bytes())
    home.app.roles = {"Presence.Read.All"}
    return Office(tmp_path, microsoft, home, clock, made)
