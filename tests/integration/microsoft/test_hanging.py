"""Identity endpoints that hang, drip or send elsewhere: nobody waits for them, no token follows."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.config.tables.config import Config, NetworkSettings
from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.http import Http, HttpRequest, HttpResponse
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import SHORT_S, Bridge, Start

T = TypeVar("T")

SIGNED_IN = SignInState.SIGNED_IN
REFRESH, READ = "token.refresh_token", "me.presence"
TEN = [f"person{number}" for number in range(10)]
PATIENCE_S, ENOUGH_S = 0.3, 20.0


@pytest.fixture
async def stored(
    start: Start, alice: Person, config: Config, microsoft: ScriptedMicrosoft
) -> Config:
    """Ten account tables, all signed in before, whose tokens have ended."""
    microsoft.tokens.expires_in_s = SHORT_S
    async with start() as running:
        await running.sign_in(alice)
    folder = config.state_dir / "tokens"
    for slug in TEN:
        (folder / f"{slug}.json").write_bytes((folder / "alice.json").read_bytes())
    return Config.model_validate(config.model_dump() | {"accounts": {slug: {} for slug in TEN}})


class ThisMachine(AbstractResolver):
    """Every name is this machine's: no thread that is late counts as a silent name server."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


@dataclass
class Patience:
    """How long an answer is waited for: not long while none can come."""

    deadline_s: float = PATIENCE_S

    @asynccontextmanager
    async def open(self, network: NetworkSettings) -> AsyncIterator[Http]:
        async with aiohttp_client(network, resolver=ThisMachine()) as self._http:
            yield self

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._http.send(replace(request, deadline_s=self.deadline_s))


@asynccontextmanager
async def opened(
    config: Config, clock: ManualClock, patience: Patience
) -> AsyncIterator[tuple[Microsoft, list[MicrosoftAccount]]]:
    async with Microsoft(config, clock, open_http=patience.open, random=lambda: 1.0) as microsoft:
        yield microsoft, [microsoft.account(slug) for slug in TEN]


@asynccontextmanager
async def time_goes_by(clock: ManualClock) -> AsyncIterator[None]:
    """A byte of a dripping answer every few hundredths of a second."""

    async def go() -> None:
        while True:
            await clock.advance(5)
            await asyncio.sleep(0.02)

    going = asyncio.create_task(go())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.wait({going})


class Workers(ThreadPoolExecutor):
    """Threads that count how many work at once."""

    def __init__(self) -> None:
        super().__init__(16)
        self._gate = threading.Lock()
        self.working = self.most = 0

    def submit(self, work: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        def counted() -> T:
            with self._gate:
                self.working += 1
                self.most = max(self.most, self.working)
            try:
                return work(*arguments, **named)
            finally:
                with self._gate:
                    self.working -= 1

        return super().submit(counted)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(REFRESH, drip_s=5, times=None),
        Fault(REFRESH, delay_s=1e6, times=None),
        Fault("discovery", drip_s=5, times=None),
        Fault("discovery", delay_s=1e6, times=None),
    ],
    ids=["drip", "silence", "drip-at-discovery", "silence-at-discovery"],
)
async def test_ten_accounts_are_back_as_soon_as_the_server_is(
    stored: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, fault: Fault
) -> None:
    patience = Patience()
    async with opened(stored, clock, patience) as (_, accounts), time_goes_by(clock):
        microsoft.faults.add(fault)
        async with asyncio.timeout(ENOUGH_S):
            answers = await asyncio.gather(*(a.read() for a in accounts), return_exceptions=True)
        told = "Microsoft's sign-in cannot be reached: no answer in time"
        assert [str(answer) for answer in answers] == [told] * 10
        assert all(isinstance(answer, SourceUnavailableError) for answer in answers)
        for account in accounts:
            assert account.sign_in.value == SignIn(SIGNED_IN, message=f"{told}.")
        microsoft.faults.clear()
        patience.deadline_s = ENOUGH_S
        async with asyncio.timeout(ENOUGH_S):
            for slug, presences in zip(
                TEN, await asyncio.gather(*(a.read() for a in accounts)), strict=True
            ):
                assert slug in presences
        shown = [account.sign_in.value for account in accounts]
        assert {(each.state, each.message) for each in shown} == {(SIGNED_IN, None)}


async def test_a_poll_that_gives_up_leaves_no_worker_behind(
    stored: Config, clock: ManualClock, microsoft: ScriptedMicrosoft
) -> None:
    threads = Workers()
    async with Microsoft(stored, clock, executor=threads, random=lambda: 1.0) as opened:
        account = opened.account(TEN[0])
        microsoft.faults.add(Fault(REFRESH, delay_s=1e6, times=None))
        for _ in range(4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await account.read()
        microsoft.faults.clear()
        async with asyncio.timeout(60):
            assert TEN[0] in await account.read()
    threads.shutdown()
    assert threads.most == 1


async def test_a_stop_ends_what_hangs_at_once(
    stored: Config, clock: ManualClock, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(REFRESH, delay_s=1e6, times=None))
    threads = Workers()
    async with asyncio.timeout(8), Microsoft(stored, clock, executor=threads) as opened:
        reads = [asyncio.create_task(opened.account(slug).read()) for slug in TEN]
        await microsoft.requests.until(REFRESH, 10)
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)
    threads.shutdown()
    assert (threads.most, threads.working) == (10, 0)


class NoNameServer(AbstractResolver):
    """Looks for names and never finds any."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:8080"])
async def test_a_name_server_that_is_silent_is_not_blamed_on_microsoft(
    config: Config, proxy: str
) -> None:
    network = config.network.model_copy(update={"proxy": proxy})
    request = HttpRequest("GET", "https://login.example/x", deadline_s=0.2)
    async with aiohttp_client(network, resolver=NoNameServer()) as http:
        answers = [http.send(request) for _ in range(2)]
        failures = await asyncio.gather(*answers, return_exceptions=True)
    host = "proxy.example" if proxy else "login.example"
    assert [str(error) for error in failures] == [f"the name server does not answer ({host})"] * 2


# Where a token never goes.


class Elsewhere:
    """Another host, which a redirect leads to; over plain HTTP, as nobody should ask it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path} {await request.text()}")
        return web.json_response({})


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    other, app = Elsewhere(), web.Application()
    app.router.add_route("*", "/{path:.*}", other.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    other.url = f"http://localhost:{runner.addresses[0][1]}"
    yield other
    await runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("endpoint", [REFRESH, "discovery", READ])
@pytest.mark.usefixtures("alices")
async def test_no_token_follows_a_redirect(
    start: Start, microsoft: ScriptedMicrosoft, elsewhere: Elsewhere, endpoint: str, status: int
) -> None:
    where = {"Location": f"{elsewhere.url}/token"}
    microsoft.faults.add(Fault(endpoint, status=status, body=b"", headers=where))
    async with start() as again:
        with pytest.raises(SourceUnavailableError, match=r"to another address \(localhost\)"):
            await (
                again.account.credentials.token(refresh=True)
                if endpoint != READ
                else again.account.read()
            )
        assert again.account.sign_in.value.state is SIGNED_IN
        assert "alice" in await again.account.read()
    assert not elsewhere.asked


@pytest.mark.parametrize("endpoint", ["devicecode", "token.device_code"])
async def test_no_code_follows_a_redirect(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    elsewhere: Elsewhere,
    endpoint: str,
) -> None:
    where = {"Location": f"{elsewhere.url}/token"}
    microsoft.faults.add(Fault(endpoint, status=307, body=b"", headers=where))
    bridge.account.credentials.request()
    await bridge.clock.until_asleep()
    await bridge.clock.advance(5)
    microsoft.approve(await bridge.code(), alice)
    await bridge.poll(10)
    await bridge.until_signed_in()
    assert not elsewhere.asked
