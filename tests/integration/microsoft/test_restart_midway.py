"""The bridge ends in the middle of a sign-in, a refresh or a pause, and starts again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bridge.config.tables.config import PollingSettings
from bridge.contract.account import SignInState
from bridge.contract.errors import PersonMustActError, SignInNeededError, SourceUnavailableError
from bridge.polling import Poller
from tests.e2e import conftest as e2e
from tests.e2e.conftest import Stage
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Cut, Fault
from tests.integration.microsoft.conftest import SHORT_S, Bridge, Start
from tests.integration.microsoft.office import BULK, TOKEN, Office

PENDING, SIGNED_IN = SignInState.CODE_PENDING, SignInState.SIGNED_IN
SIGNED_OUT, EXPIRED = SignInState.SIGNED_OUT, SignInState.EXPIRED
CODE, REDEEM, REFRESH = "token.device_code", "token.authorization_code", "token.refresh_token"
CLAIMS = '{"access_token":{"acrs":"c1"}}'


async def nobody_is_signed_in(bridge: Bridge) -> None:
    """As at a first start: nothing of what was before is shown or used."""
    assert bridge.account.sign_in.value.state is SIGNED_OUT
    with pytest.raises(SignInNeededError, match=r"^Nobody is signed in\. Sign in\.$"):
        await bridge.account.read()
    assert bridge.account.sign_in.value.user_code is None
    assert bridge.account.sign_in.value.verification_uri is None


# Device code.


async def test_a_code_from_before_a_restart_is_gone_and_a_new_one_works(
    start: Start, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    async with start() as running:
        old = await running.code()
    async with start() as again:
        await nobody_is_signed_in(again)
        microsoft.approve(old, alice)
        new = await again.code()
        assert new != old
        await again.poll()
        await clock.until_asleep()  # what was approved before the answer would be in it
        assert again.account.sign_in.value.user_code == new
        microsoft.approve(new, alice)
        await again.poll()
        await again.until(SIGNED_IN)


async def test_a_poller_asks_for_a_new_code_at_once_and_shows_that(
    start: Start, clock: ManualClock
) -> None:
    shown: list[str | None] = []
    for _ in range(2):
        async with start() as running:
            poller = Poller(
                running.account, settings=PollingSettings(), reports=[lambda _: None], clock=clock
            )
            polling = asyncio.create_task(poller.run(), name="poller")
            shown.append((await running.until(PENDING)).user_code)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
    assert all(shown)
    assert len(set(shown)) == 2


@pytest.mark.parametrize("cut", list(Cut))
async def test_a_sign_in_whose_tokens_never_arrived_is_repeated(
    start: Start, microsoft: ScriptedMicrosoft, alice: Person, cut: Cut
) -> None:
    async with start() as running:
        microsoft.faults.add(Fault(CODE, cut=cut))
        microsoft.approve(await running.code(), alice)
        await running.poll()
    async with start() as again:
        await nobody_is_signed_in(again)
        await again.sign_in(alice)
        assert "alice" in await again.account.read()


# Browser.


async def begun(bridge: Bridge) -> str:
    async with asyncio.timeout(10):
        address = await bridge.address()
    await bridge.clock.until_asleep()
    return address


async def ends_on(http: aiohttp.ClientSession, address: str, person: Person) -> str:
    """Where a browser on another machine ends."""
    form = {"person": person.upn, "decision": "approve"}
    async with http.post(address, data=form, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def test_an_address_from_before_a_restart_is_refused_with_what_to_do(
    start: Start, http: aiohttp.ClientSession, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    async with start() as running:
        old = await ends_on(http, await begun(running), alice)
    async with start() as again:
        await nobody_is_signed_in(again)
        with pytest.raises(PersonMustActError, match="No sign-in waits for an address") as caught:
            again.account.credentials.finish_browser(old)
        assert caught.value.remedy == "Start one in the browser first."

        address = await begun(again)
        with pytest.raises(PersonMustActError, match="belongs to another sign-in") as caught:
            again.account.credentials.finish_browser(old)
        assert caught.value.remedy.startswith("Open the newest sign-in address")
        here = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        pasted = f"{here}/?{urlsplit(old).query}"
        async with aiohttp.ClientSession() as local, local.get(pasted) as page:
            assert page.status == 400
            assert "belongs to another sign-in" in await page.text()
        assert again.account.sign_in.value.state is PENDING
        assert microsoft.requests.count(REDEEM) == 0
        again.account.credentials.finish_browser(await ends_on(http, address, alice))
        await again.until(SIGNED_IN)


async def test_a_restart_while_the_code_is_redeemed_needs_a_new_address(
    start: Start,
    http: aiohttp.ClientSession,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    alice: Person,
) -> None:
    async with start() as running:
        old = await ends_on(http, await begun(running), alice)
        microsoft.faults.add(Fault(REDEEM, status=503))
        running.account.credentials.finish_browser(old)
        await microsoft.requests.until(REDEEM)
        await clock.until_asleep()
    async with start() as again:
        await nobody_is_signed_in(again)
        with pytest.raises(PersonMustActError, match="No sign-in waits"):
            again.account.credentials.finish_browser(old)
        again.account.credentials.finish_browser(await ends_on(http, await begun(again), alice))
        await again.until(SIGNED_IN)
        assert "alice" in await again.account.read()


# Staying in.


@asynccontextmanager
async def reading(bridge: Bridge) -> AsyncIterator[None]:
    """A read that is under way, and dies with the bridge."""
    task = asyncio.create_task(bridge.account.read())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SourceUnavailableError):
            await task


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_a_restart_in_the_middle_of_a_refresh_needs_no_person(
    start: Start, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person, lost: str
) -> None:
    microsoft.tokens.expires_in_s = SHORT_S
    async with start() as running:
        await running.sign_in(alice)
        await clock.advance(SHORT_S)
        late = Fault(REFRESH, delay_s=60)
        microsoft.faults.add(late if lost == "request" else Fault(REFRESH, cut=Cut.IN_BODY))
        async with reading(running):
            await microsoft.requests.until(REFRESH)
    await clock.advance(60)  # lets go of the worker that still waits
    async with start() as again:
        assert "alice" in await again.account.read()
        assert again.account.sign_in.value.state is SIGNED_IN


async def test_a_second_sign_in_that_nobody_finished_costs_the_first_nothing(
    start: Start, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
        await running.code()
    async with start() as again:
        assert "alice" in await again.account.read()
        assert again.account.sign_in.value.state is SIGNED_IN
        assert again.account.sign_in.value.user_code is None


async def test_an_ended_sign_in_is_reported_after_a_restart_and_not_as_a_first_start(
    start: Start, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.tokens.expires_in_s = SHORT_S
    async with start() as running:
        await running.sign_in(alice)
    microsoft.revoke(alice)
    for _ in range(2):
        async with start() as again:
            with pytest.raises(SignInNeededError, match="revoked"):
                await again.account.read()
            told = again.account.sign_in.value
            assert told.state is EXPIRED
            assert told.correlation_id
    async with start() as mended:
        await mended.sign_in(alice)
        assert "alice" in await mended.account.read()


async def test_what_a_claims_challenge_wants_is_asked_for_after_a_restart_too(
    start: Start, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    microsoft.faults.add(Fault("me.presence", challenge=CLAIMS, times=2))
    alice.refused_with = 50076
    for _ in range(2):
        async with start() as again:
            with pytest.raises(SignInNeededError, match="Multi-factor"):
                await again.account.read()
            asked = parse_qs(urlsplit(await begun(again)).query)
            assert '"acrs": "c1"' in asked["claims"][0]


# As an app.


@pytest.fixture
def table(alice: Person) -> dict[str, dict[str, object]]:
    return {"alice": {"sign_in": "app", "user": alice.oid}}


async def test_an_app_keeps_no_token_and_signs_itself_in_at_each_start(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    for start_number in (1, 2, 3):
        async with office.open(table) as tables:
            assert await tables.shown("alice") == {"alice": "Available"}
            assert office.count(TOKEN) == start_number
    assert not (office.folder / "state" / "tokens").exists()


async def test_an_app_that_waited_for_its_token_ends_at_once_and_restarts(
    office: Office, table: dict[str, dict[str, object]], clock: ManualClock
) -> None:
    office.simulated.faults.add(Fault(TOKEN, delay_s=60))
    async with asyncio.timeout(5), office.open(table) as tables:
        tables["alice"].credentials.request()
        await office.simulated.requests.until(TOKEN)
    assert tables["alice"].sign_in.value.state is SIGNED_IN
    await clock.advance(60)  # lets go of the worker that still waits
    async with office.open(table) as tables:
        assert await tables.shown("alice") == {"alice": "Available"}


async def test_an_apps_pause_goes_on_after_each_restart(
    office: Office, table: dict[str, dict[str, object]], clock: ManualClock
) -> None:
    office.simulated.faults.add(Fault(BULK, status=429, retry_after=120))
    for left_s in (120, 80, 40):
        async with office.open(table) as tables:
            with pytest.raises(SourceUnavailableError) as caught:
                await tables["alice"].read()
            assert caught.value.retry_after_s == left_s
            assert office.count(BULK) == 1
            await clock.advance(40)
    async with office.open(table) as tables:
        assert await tables.shown("alice") == {"alice": "Available"}


async def test_a_pause_of_one_app_stays_its_own_over_a_restart(
    office: Office, home: Household, alice: Person
) -> None:
    other = home.directory.add_app(home.tenant, client_id="22222222-3333-4444-5555-666666666666")
    other.certificates, other.roles = home.app.certificates, home.app.roles
    bob = home.directory.add_person(home.tenant, "bob@contoso.com")
    both = {
        "alice": {"sign_in": "app", "user": alice.oid},
        "bob": {"sign_in": "app", "user": bob.oid, "client_id": other.client_id},
    }
    async with office.open(both) as tables:
        office.simulated.faults.add(Fault(BULK, status=429, retry_after=120))
        with pytest.raises(SourceUnavailableError):
            await tables["alice"].read()
    async with office.open(both) as tables:
        assert tables["alice"].throttled_until
        assert tables["bob"].throttled_until is None
        assert await tables.shown("bob") == {"bob": "Available"}


# All of it, as a process that is killed.


stage = e2e.stage


@pytest.mark.asyncio(loop_scope="session")
async def test_a_killed_bridge_takes_its_code_back_and_shows_a_new_one(stage: Stage) -> None:
    stage.microsoft.auto_approve(None)
    auth = "presence/account/alice/auth"
    killed = stage.start("bridge", "run")
    old = (await stage.mqtt.until(auth, lambda h: bool(h.json["user_code"]))).json["user_code"]
    stage.stop(killed, signal.SIGKILL)
    since = len(stage.mqtt.heard)
    stage.start("bridge", "run")
    shown = await stage.mqtt.until(auth, lambda h: bool(h.json["user_code"]), since=since)
    assert shown.json["user_code"] != old
    stage.microsoft.approve(shown.json["user_code"], stage.home.person)
    await stage.mqtt.until(auth, lambda h: h.json["state"] == "signed_in", since=since)
    await stage.mqtt.until_text("presence/account/alice/availability", "online", since=since)
    assert all(old not in heard.text for heard in stage.mqtt.heard[since:])
