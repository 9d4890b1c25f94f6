"""Clocks that jump: a machine that slept, a wall clock that was set. Microsoft has its own time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bridge.config.tables.config import Config, PollingSettings
from bridge.contract.account import AccountFacts, SignInState
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft import MicrosoftAccount
from bridge.microsoft import budget as budgets
from bridge.microsoft.budget import Budget
from bridge.microsoft.sign_in.certificate import CreatedFiles
from bridge.polling import Poller
from bridge.polling.freshness import STALE_AFTER_S
from bridge.polling.machine_sleep import JUMP_S
from bridge.polling.poller import SIGN_IN_S
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import Bridge, Start, started
from tests.integration.microsoft.office import TOKEN, Office, app_certificate

PENDING, SIGNED_IN = SignInState.CODE_PENDING, SignInState.SIGNED_IN
EXPIRED, ERROR = SignInState.EXPIRED, SignInState.ERROR
READ, REFRESH = "me.presence", "token.refresh_token"
HOUR_S = 3600.0
SET = [-6 * HOUR_S, -90.0, 90.0, 6 * HOUR_S]
"""What a clock is set by: NTP after a long time without network, or a person."""
each_step = pytest.mark.parametrize("step_s", SET)


@dataclass
class Machine:
    """The bridge's machine: its clock can jump, and the ``world`` around it goes on."""

    world: ManualClock
    clock: ManualClock

    async def awake(self, seconds: float) -> None:
        """Let time pass."""
        await self.world.advance(seconds)
        await self.clock.advance(seconds)

    async def sleeps(self, seconds: float) -> None:
        """Suspend and resume: the wall clock is right afterwards, the monotonic one stood still."""
        await self.world.advance(seconds)
        self.clock.jump_wall(seconds)

    def is_set_by(self, seconds: float) -> None:
        """Step the wall clock."""
        self.clock.jump_wall(seconds)


@pytest.fixture
def machine(clock: ManualClock) -> Machine:
    return Machine(clock, ManualClock())


@pytest.fixture
def start(config: Config, machine: Machine, microsoft: ScriptedMicrosoft) -> Start:
    """As elsewhere, on that machine; so ``bridge`` and ``alices`` run there too."""
    return lambda: started(config, machine.clock, microsoft)


async def poll(machine: Machine, bridge: Bridge, seconds: float = 5) -> None:
    """Let time pass until the bridge has polled once more for the code."""
    await machine.world.advance(seconds)
    await bridge.poll(seconds)


# A sign-in that waits for a person.


@each_step
async def test_a_clock_that_is_set_does_not_disturb_a_code_that_waits(
    bridge: Bridge,
    machine: Machine,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    step_s: float,
) -> None:
    code = await bridge.code()
    machine.is_set_by(step_s)
    for _ in range(2):
        await poll(machine, bridge)
        await machine.clock.until_asleep()
        assert bridge.account.sign_in.value.user_code == code
        assert machine.clock.next_wake_s == 5
    microsoft.approve(code, alice)
    await poll(machine, bridge)
    await bridge.until(SIGNED_IN)
    assert microsoft.requests.count("devicecode") == 1


async def test_a_code_that_was_entered_while_the_machine_slept_signs_in(
    bridge: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.approve(await bridge.code(), alice)
    await machine.sleeps(600)
    await poll(machine, bridge)
    await bridge.until(SIGNED_IN)


async def test_a_code_that_ended_while_the_machine_slept_is_reported_with_the_next_poll(
    bridge: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    await bridge.code()
    await machine.sleeps(8 * HOUR_S)
    await poll(machine, bridge)
    told = await bridge.until(EXPIRED)
    assert "expired" in str(told.message)
    assert told.user_code is None
    assert microsoft.requests.count("token.device_code") == 1
    await bridge.sign_in(alice)


@pytest.fixture
async def ending(bridge: Bridge, http: aiohttp.ClientSession, alice: Person) -> str:
    """Where Alice's browser ended, elsewhere; the bridge waits for it."""
    async with asyncio.timeout(10):
        address = await bridge.address()
    await bridge.clock.until_asleep()
    form = {"person": alice.upn, "decision": "approve"}
    async with http.post(address, data=form, allow_redirects=False) as answer:
        return answer.headers["Location"]


@pytest.mark.parametrize("jump", ["is set back", "is set forward", "slept for a while"])
async def test_an_address_can_be_handed_in_after_the_clock_jumped(
    bridge: Bridge, machine: Machine, ending: str, jump: str
) -> None:
    if jump == "slept for a while":
        await machine.sleeps(500)
    else:
        machine.is_set_by(-6 * HOUR_S if jump == "is set back" else 6 * HOUR_S)
    await machine.awake(10)
    assert bridge.account.sign_in.value.state is PENDING
    bridge.account.credentials.finish_browser(ending)
    await bridge.until(SIGNED_IN)


async def test_an_address_that_got_too_old_while_the_machine_slept_is_reported(
    bridge: Bridge, machine: Machine, ending: str
) -> None:
    await machine.sleeps(8 * HOUR_S)
    bridge.account.credentials.finish_browser(ending)
    told = await bridge.until(EXPIRED)
    assert "AADSTS70008" in str(told.message)
    assert told.remedy == "Sign in again."
    assert parse_qs(urlsplit(ending).query)["code"][0] not in str(told)


# Tokens.


async def test_a_token_that_ended_while_the_machine_slept_is_replaced_at_the_first_read(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    await alices.account.read()
    await machine.sleeps(8 * HOUR_S)
    assert (await alices.account.read())["alice"].availability == "available"
    await alices.account.read()
    assert [entry.status for entry in microsoft.requests.of(READ)] == [200, 401, 200, 200]
    assert microsoft.requests.count(REFRESH) == 1
    assert alices.account.sign_in.value.state is SIGNED_IN


async def test_an_app_gets_a_new_token_at_the_first_read_too(
    office: Office, machine: Machine, alice: Person
) -> None:
    table = {"alice": {"sign_in": "app", "user": alice.oid}}
    async with office.open(table) as tables:
        await tables["alice"].read()
        await machine.sleeps(8 * HOUR_S)
        assert await tables.shown("alice") == {"alice": "Available"}
    assert office.count(TOKEN) == 2


async def test_nobody_is_asked_to_sign_in_because_the_network_wakes_later(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    await alices.account.read()
    await machine.sleeps(8 * HOUR_S)
    microsoft.faults.add(Fault(REFRESH, status=503), Fault("discovery", status=503))
    for _ in range(2):
        with pytest.raises(SourceUnavailableError):
            await alices.account.read()
        assert alices.account.sign_in.value.state is SIGNED_IN
    microsoft.faults.clear()
    assert "alice" in await alices.account.read()


async def test_a_stored_token_that_seems_good_by_a_clock_set_back_is_replaced(
    start: Start, machine: Machine, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    # msal judges stored tokens by the machine's real time, which stays behind the world's here
    await machine.world.advance(2 * HOUR_S)
    async with start() as again:
        assert "alice" in await again.account.read()
    assert [entry.status for entry in microsoft.requests.of(READ)] == [401, 200]


@each_step
async def test_a_clock_that_is_set_makes_no_good_token_bad(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, step_s: float
) -> None:
    microsoft.requests.clear()
    machine.is_set_by(step_s)
    for _ in range(3):
        await alices.account.read()
        await machine.awake(600)
    assert microsoft.requests.count("identity") == 0


# A pause that Microsoft asked for.


async def paused(bridge: Bridge, microsoft: ScriptedMicrosoft) -> None:
    """Graph asks for 120 seconds."""
    microsoft.faults.add(Fault(READ, status=429, retry_after=120))
    with pytest.raises(SourceUnavailableError):
        await bridge.account.read()


async def left_s(bridge: Bridge) -> float | None:
    with pytest.raises(SourceUnavailableError) as caught:
        await bridge.account.read()
    return caught.value.retry_after_s


@pytest.mark.parametrize("step_s", [-6 * HOUR_S, -90.0])
async def test_a_clock_that_is_set_back_does_not_lengthen_a_pause(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, step_s: float
) -> None:
    await paused(alices, microsoft)
    machine.is_set_by(step_s)
    assert await left_s(alices) == 120
    assert alices.account.throttled_until == machine.clock.now() + timedelta(seconds=120)
    await machine.awake(119)
    assert await left_s(alices) == 1
    assert microsoft.requests.count(READ) == 1
    await machine.awake(1)
    assert "alice" in await alices.account.read()
    assert alices.account.throttled_until is None


async def test_sleep_counts_as_waiting(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    await paused(alices, microsoft)
    await machine.sleeps(60)
    assert await left_s(alices) == 60
    await machine.awake(20)
    assert await left_s(alices) == 40
    assert microsoft.requests.count(READ) == 1
    await machine.sleeps(8 * HOUR_S)
    assert "alice" in await alices.account.read()


async def test_a_clock_that_is_set_forward_costs_one_request_of_a_pause(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    """It cannot be told from sleep; Microsoft says once more how long."""
    await paused(alices, microsoft)
    machine.is_set_by(6 * HOUR_S)
    microsoft.faults.add(Fault(READ, status=429, retry_after=110))
    for _ in range(3):
        assert await left_s(alices) == 110
    assert microsoft.requests.count(READ) == 2


# Polling.


class Watched:
    """Alice's account with the poller over it; ``facts`` is what it told last."""

    def __init__(self, account: MicrosoftAccount, machine: Machine) -> None:
        self.machine = machine
        self.facts: Latest[AccountFacts | None] = Latest(None)
        self.poller = Poller(
            account,
            settings=PollingSettings(),
            reports=[self.facts.set],
            clock=machine.clock,
            random=lambda: 0.5,
        )

    async def until(self, *, fresh: bool, availability: str = "available") -> AccountFacts:
        """The facts once they are so."""
        async with asyncio.timeout(10):
            async for facts in self.facts.watch():
                shown = facts.presence.availability if facts and facts.presence else None
                if facts and facts.fresh is fresh and shown == availability:
                    return facts
        raise AssertionError("watch never ends")

    async def rests(self) -> None:
        """Wait until the poller does: one sleeps until the next turn, one until facts are old."""
        await self.machine.clock.until_asleep(2)

    async def turn(self) -> None:
        """Let time pass until the next poll, and wait for its end."""
        await self.rests()
        attempt = self.poller.status.last_poll_attempt
        async with asyncio.timeout(10):
            while self.poller.status.last_poll_attempt == attempt:
                await self.machine.awake(self.machine.clock.next_wake_s or 0)
        await self.rests()


@asynccontextmanager
async def watched(account: MicrosoftAccount, machine: Machine) -> AsyncIterator[Watched]:
    watch = Watched(account, machine)
    polling = asyncio.create_task(watch.poller.run(), name="poller")
    try:
        yield watch
        assert not polling.done(), polling
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


def turns_s(microsoft: ScriptedMicrosoft) -> list[float]:
    return [entry.at_s for entry in microsoft.requests.of(READ)]


async def test_after_sleep_one_poll_comes_at_once_and_then_the_usual_ones(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, home: Household
) -> None:
    async with watched(alices.account, machine) as watch:
        await watch.until(fresh=True)
        await watch.rests()
        home.directory.change(home.person, "Busy", "InACall")
        microsoft.requests.clear()
        await machine.sleeps(8 * HOUR_S)
        resumed_s = machine.world.monotonic()
        await watch.turn()
        told = await watch.until(fresh=True, availability="busy")
        assert told.polled_at == machine.clock.now()
        for _ in range(3):
            await watch.turn()
        moments = turns_s(microsoft)
        assert 0 < moments[0] - resumed_s <= PollingSettings().slowest
        renewed, *waits = [round(later - earlier) for earlier, later in pairwise(moments)]
        assert renewed == 0, "the token had ended meanwhile"
        assert all(wait >= PollingSettings().fastest for wait in waits)


@pytest.mark.parametrize("retry_after", [3000, None])
async def test_after_sleep_nobody_waits_for_what_was_to_be_waited_for_before(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, retry_after: int | None
) -> None:
    async with watched(alices.account, machine) as watch:
        await watch.until(fresh=True)
        status, times = (429, 1) if retry_after else (403, 2)
        microsoft.faults.add(Fault(READ, status=status, retry_after=retry_after, times=times))
        for _ in range(times):
            await watch.turn()
        assert watch.poller.status.problem
        await machine.sleeps(8 * HOUR_S)
        await machine.awake(JUMP_S)
        await watch.until(fresh=True)
        await watch.rests()
        assert watch.poller.status.problem is None


async def test_presence_from_before_sleep_is_offline_until_the_network_is_back(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    async with watched(alices.account, machine) as watch:
        before = await watch.until(fresh=True)
        await watch.rests()
        microsoft.faults.add(Fault(READ, status=502, times=None))
        await machine.sleeps(8 * HOUR_S)
        await watch.turn()
        old = await watch.until(fresh=False)
        assert old.polled_at == before.polled_at
        await watch.turn()
        microsoft.faults.clear()
        await watch.turn()
        assert (await watch.until(fresh=True)).polled_at == machine.clock.now()


@each_step
async def test_a_clock_that_is_set_leaves_the_pace_and_the_freshness_as_they_are(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, step_s: float
) -> None:
    async with watched(alices.account, machine) as watch:
        await watch.until(fresh=True)
        await watch.rests()
        machine.is_set_by(step_s)
        for _ in range(4):
            await watch.turn()
        facts = await watch.until(fresh=True)
        assert facts.polled_at == machine.clock.now()
        assert facts.valid_until == machine.clock.now() + timedelta(seconds=STALE_AFTER_S)
        waits = [later - earlier for earlier, later in pairwise(turns_s(microsoft))]
        assert len(waits) == 4
        assert all(PollingSettings().fastest <= wait <= JUMP_S for wait in waits)


@each_step
async def test_presence_grows_old_in_its_time_though_the_clock_was_set(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft, step_s: float
) -> None:
    async with watched(alices.account, machine) as watch:
        await watch.until(fresh=True)
        await watch.rests()
        microsoft.faults.add(Fault(READ, status=502, times=None))
        machine.is_set_by(step_s)
        began_s = machine.clock.monotonic()
        while watch.facts.value and watch.facts.value.fresh:
            await machine.awake(5)
            assert machine.clock.monotonic() - began_s <= 2 * STALE_AFTER_S
        await watch.until(fresh=False)


async def test_a_date_to_wait_for_that_is_over_by_our_clock_causes_no_storm(
    alices: Bridge, machine: Machine, microsoft: ScriptedMicrosoft
) -> None:
    machine.is_set_by(6 * HOUR_S)
    until = format_datetime(machine.world.now() + timedelta(seconds=60), usegmt=True)
    microsoft.faults.add(Fault(READ, status=429, retry_after=until, times=5))
    async with watched(alices.account, machine) as watch:
        for _ in range(5):
            await watch.turn()
        await watch.until(fresh=True)
    waits = [later - earlier for earlier, later in pairwise(turns_s(microsoft))]
    assert len(waits) == 5
    assert all(wait >= PollingSettings().fastest for wait in waits)


# What only somebody who sets the clock can mend.


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CreatedFiles:
    return app_certificate(Path(tmp_path_factory.mktemp("app")))


@pytest.fixture
def office(
    tmp_path: Path,
    microsoft: ScriptedMicrosoft,
    home: Household,
    machine: Machine,
    made: CreatedFiles,
) -> Office:
    home.app.certificates.append(made.certificate_file.read_bytes())
    home.app.roles = {"Presence.Read.All"}
    return Office(tmp_path, microsoft, home, machine.clock, made)


async def test_an_app_with_a_wrong_clock_is_back_as_soon_as_the_clock_is_right(
    office: Office, machine: Machine, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    table = {"alice": {"sign_in": "app", "user": alice.oid}}
    microsoft.faults.add(Fault(TOKEN, aadsts=700024, times=None))
    async with office.open(table) as tables, watched(tables["alice"], machine) as watch:
        told = await tables.until("alice", ERROR)
        assert (told.message, told.remedy) == (
            "The time is wrong (AADSTS700024).",
            "Check the clock.",
        )
        await watch.rests()
        microsoft.faults.clear()
        machine.is_set_by(60 * HOUR_S)
        assert JUMP_S < SIGN_IN_S
        await machine.awake(JUMP_S)
        await watch.until(fresh=True)
        assert tables["alice"].sign_in.value.state is SIGNED_IN


# The budget.


@pytest.mark.parametrize("jump", ["slept", *SET])
async def test_the_budget_holds_whatever_the_clock_does(
    machine: Machine, jump: str | float
) -> None:
    budget = Budget(machine.clock)
    sent: list[float] = []

    async def one() -> None:
        async with budget.turn():
            sent.append(machine.world.monotonic())

    await machine.awake(100)
    asked = [asyncio.create_task(one()) for _ in range(2 * budgets.REQUESTS)]
    await machine.awake(10)
    if isinstance(jump, float):
        machine.is_set_by(jump)
    else:
        await machine.sleeps(HOUR_S)
    for _ in range(int(budgets.WINDOW_S)):
        await machine.awake(1)
    await asyncio.gather(*asked)
    later = sent[1500:]
    assert all(moment - sent[n] >= 30 for n, moment in enumerate(later))
    assert budget.last_hour == 2 * budgets.REQUESTS
