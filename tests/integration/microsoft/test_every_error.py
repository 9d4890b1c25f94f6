"""Every row of the table of errors, met at the token endpoint by each way to sign in.

The rows are the code's own, so a new one is tried by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
import msal
import pytest

from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.errors import SignInNeededError, SourceUnavailableError
from bridge.microsoft.sign_in import remedies
from bridge.microsoft.sign_in.browser import LIFETIME_S, TRIES
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.sign_in.remedies import ADMIN, OWNER, REMEDIES, for_account
from bridge.microsoft.sign_in.remedies_table import (
    BROWSER,
    UNKNOWN,
    WITHOUT_NUMBER,
    Ending,
    Remedy,
)
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.aadsts import KINDS
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import SHORT_S, Bridge
from tests.integration.microsoft.office import Office

CODE, REDEEM = "token.device_code", "token.authorization_code"
REFRESH, TOKEN = "token.refresh_token", "token.client_credentials"
PENDING, SIGNED_IN = SignInState.CODE_PENDING, SignInState.SIGNED_IN
EXPIRED, ERROR = SignInState.EXPIRED, SignInState.ERROR
OUR_OWN_FAULT = {90014, 9002313, 1002012}
"""A request that is malformed: the simulator says so, and no row could tell a person what to do."""

ACTING = [row for row in REMEDIES if row.ending is not Ending.PASSES]
EACH = {code: row for row in ACTING for code in row.codes}
PASSING = [code for row in REMEDIES if row.ending is Ending.PASSES for code in row.codes]
each_passing = pytest.mark.parametrize("code", PASSING)


def shows(
    told: SignIn, row: Remedy, label: object, simulated: ScriptedMicrosoft, endpoint: str
) -> None:
    """What happened with its number, who must act, the one remedy, and by what to find it."""
    assert told.message == f"{row.text[:-1]} ({label})."
    assert told.remedy == for_account(row.remedy, "alice")
    assert told.who == row.who
    assert told.state is (EXPIRED if row.ending is Ending.SIGN_IN else ERROR)
    asked = simulated.requests.of(endpoint)[-1].headers["client-request-id"]
    assert told.correlation_id == asked


def logged(text: str, told: SignIn) -> bool:
    """Whether one line of the log says all of it, once."""
    lines = [line for line in text.splitlines() if str(told.message) in line]
    parts = (told.remedy, f"Who must act: {told.who}", told.correlation_id)
    return len(lines) == 1 and all(str(part) in lines[0] for part in parts)


async def ends_on(http: aiohttp.ClientSession, bridge: Bridge, person: Person) -> str:
    """Start a sign-in in the browser; where that ends."""
    async with asyncio.timeout(10):
        address = await bridge.address()
    await bridge.clock.until_asleep()
    form = {"person": person.upn, "decision": "approve"}
    async with http.post(address, data=form, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def instead_of(bridge: Bridge, row: Remedy, code: int, way: Way) -> SignIn:
    """What waits by the other ``way``, checked, and put as the refusal would be shown alone."""
    async with asyncio.timeout(10):
        async for told in bridge.account.sign_in.watch():
            if told.waits and told.aadsts == code:
                break
    assert (told.user_code is None) == (way is Way.BROWSER)
    words = {Way.BROWSER: "a browser", Way.DEVICE_CODE: "a code"}[way]
    message = str(told.message).removesuffix(f" Sign in with {words} instead.")
    assert message != told.message
    bridge.account.credentials.cancel()
    state = EXPIRED if row.ending is Ending.SIGN_IN else ERROR
    return replace(told, state=state, message=message, remedy=for_account(row.remedy, "alice"))


# What somebody must act upon, row by row.


async def test_a_device_code_meets_it(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    for code, row in EACH.items():
        with subtests.test(code=code):
            microsoft.faults.add(Fault(CODE, aadsts=code))
            await bridge.code()
            await bridge.poll()
            if Way.DEVICE_CODE in row.refuses:
                told = await instead_of(bridge, row, code, Way.BROWSER)
            else:
                told = await bridge.until(EXPIRED, ERROR)
                assert bridge.clock.sleepers == 0, "nothing is tried again unasked"
            shows(told, row, f"AADSTS{code}", microsoft, CODE)
            assert logged(caplog.text, told)


async def test_a_browser_meets_it(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    http: aiohttp.ClientSession,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    for row in ACTING:
        with subtests.test(code=row.codes[0]):
            microsoft.faults.add(Fault(REDEEM, aadsts=row.codes[0]))
            bridge.account.credentials.finish_browser(await ends_on(http, bridge, alice))
            if Way.BROWSER in row.refuses:
                told = await instead_of(bridge, row, row.codes[0], Way.DEVICE_CODE)
            else:
                told = await bridge.until(EXPIRED, ERROR)
            shows(told, row, f"AADSTS{row.codes[0]}", microsoft, REDEEM)


@pytest.fixture
def short_tokens(microsoft: ScriptedMicrosoft) -> None:
    microsoft.tokens.expires_in_s = SHORT_S


@pytest.mark.usefixtures("short_tokens")
async def test_a_stored_sign_in_meets_it(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    for row in ACTING:
        with subtests.test(code=row.codes[0]):
            microsoft.faults.clear()
            await bridge.sign_in(alice)
            await bridge.clock.advance(SHORT_S)
            refreshes = microsoft.requests.count(REFRESH)
            microsoft.faults.add(Fault(REFRESH, aadsts=row.codes[0], times=None))
            for _ in range(2):
                with pytest.raises(SignInNeededError) as caught:
                    await bridge.account.read()
                assert caught.value.remedy == row.remedy
            told = bridge.account.sign_in.value
            shows(told, row, f"AADSTS{row.codes[0]}", microsoft, REFRESH)
            assert microsoft.requests.count(REFRESH) == refreshes + 1
            assert logged(caplog.text, told)


@pytest.fixture
def table(alice: Person) -> dict[str, dict[str, object]]:
    return {"alice": {"sign_in": "app", "user": alice.oid}}


async def test_an_app_meets_it(
    office: Office,
    table: dict[str, dict[str, object]],
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    """Where a person would sign in again, the app's owner looks instead."""
    for row in ACTING:
        with subtests.test(code=row.codes[0]):
            office.simulated.faults.add(Fault(TOKEN, aadsts=row.codes[0]))
            async with office.open(table) as tables:
                with pytest.raises(SignInNeededError):
                    await tables["alice"].read()
                told = tables["alice"].sign_in.value
            shows(told, as_an_app(row), f"AADSTS{row.codes[0]}", office.simulated, TOKEN)
            assert logged(caplog.text, told)


def as_an_app(row: Remedy) -> Remedy:
    if row.ending is Ending.SIGN_IN:
        remedy = "Look at the app registration with the correlation id."
        return Remedy(row.codes, row.text, remedy, OWNER, Ending.ACT)
    if BROWSER in row.remedy:
        return row._replace(remedy="Ask your admin for an exception.")
    return row


async def test_it_is_reported_in_full_beside_a_sign_in_that_goes_on(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(CODE, aadsts=50105))
    await alices.code()
    await alices.poll()
    told = await alices.until_signed_in()
    assert "AADSTS50105" in str(told.message)
    assert (told.who, bool(told.correlation_id)) == (ADMIN, True)
    assert "alice" in await alices.account.read()


# What passes: nobody must act, and nobody is asked to.


@each_passing
async def test_a_bad_moment_at_the_start_is_reported_and_passes(
    bridge: Bridge, microsoft: ScriptedMicrosoft, alice: Person, code: int
) -> None:
    microsoft.faults.add(Fault("devicecode", aadsts=code))
    bridge.account.credentials.request()
    await bridge.clock.until_asleep()
    told = bridge.account.sign_in.value
    assert str(told.message).startswith("Microsoft's sign-in has a bad moment")
    assert str(told.message).endswith(f"(AADSTS{code}). It is tried again.")
    assert told == SignIn(message=told.message)
    await bridge.clock.advance(5)
    await bridge.sign_in(alice)


@each_passing
@pytest.mark.usefixtures("short_tokens")
async def test_a_bad_moment_costs_no_sign_in(
    alices: Bridge,
    microsoft: ScriptedMicrosoft,
    http: aiohttp.ClientSession,
    alice: Person,
    code: int,
) -> None:
    await alices.clock.advance(SHORT_S)
    microsoft.faults.add(Fault(REFRESH, aadsts=code))
    with pytest.raises(SourceUnavailableError):
        await alices.account.read()
    assert alices.account.sign_in.value.state is SIGNED_IN
    assert "alice" in await alices.account.read()

    microsoft.faults.add(Fault(CODE, aadsts=code))
    microsoft.approve(await alices.code(), alice)
    await alices.poll()
    await alices.clock.until_asleep()
    assert alices.account.sign_in.value.waits
    await alices.poll(10)
    await alices.until_signed_in()

    microsoft.faults.add(Fault(REDEEM, aadsts=code))
    alices.account.credentials.finish_browser(await ends_on(http, alices, alice))
    await microsoft.requests.until(REDEEM)
    await alices.clock.until_asleep()
    await alices.clock.advance(30)
    await microsoft.requests.until(REDEEM, 2)
    await alices.until_signed_in()


# Errors without a number.


NAMED = {name: row for name, row in remedies._BY_ERROR.items() if row.ending is not Ending.PASSES}


@pytest.mark.parametrize("place", ["error", "suberror"])
@pytest.mark.parametrize("name", NAMED)
async def test_an_error_that_has_only_a_name_has_its_row(
    bridge: Bridge, microsoft: ScriptedMicrosoft, name: str, place: str
) -> None:
    row = NAMED[name]
    body = {"error": "invalid_grant", "correlation_id": "c-1"} | {place: name}
    microsoft.faults.add(Fault(CODE, status=400, body=json.dumps(body).encode()))
    await bridge.code()
    await bridge.poll()
    told = await bridge.until(EXPIRED, ERROR)
    remedy = for_account(row.remedy, "alice")
    assert (told.message, told.remedy, told.who) == (row.text, remedy, row.who)
    assert told.correlation_id == "c-1"


@pytest.mark.parametrize(
    ("fault", "label"),
    [
        (Fault(CODE, aadsts=999999), "AADSTS999999"),
        (Fault(CODE, status=400, body=b'{"error": "teapot", "correlation_id": "c-1"}'), "teapot"),
    ],
)
async def test_an_error_that_nobody_knows_is_reported_with_what_it_is_called(
    bridge: Bridge, microsoft: ScriptedMicrosoft, fault: Fault, label: str
) -> None:
    microsoft.faults.add(fault)
    await bridge.code()
    await bridge.poll()
    told = await bridge.until(EXPIRED, ERROR)
    assert told.message == f"{UNKNOWN.text[:-1]} ({label})."
    assert (told.remedy, told.who) == (UNKNOWN.remedy, UNKNOWN.who)
    assert told.correlation_id


Meet = Callable[[Bridge, aiohttp.ClientSession, Person], Awaitable[None]]


async def declines(bridge: Bridge, _: aiohttp.ClientSession, __: Person) -> None:
    bridge.simulated.decline(await bridge.code())
    await bridge.poll()


async def stays_away(bridge: Bridge, http: aiohttp.ClientSession, person: Person) -> None:
    await ends_on(http, bridge, person)
    await bridge.clock.advance(LIFETIME_S)


async def comes_back_in_a_bad_hour(
    bridge: Bridge, http: aiohttp.ClientSession, person: Person
) -> None:
    bridge.simulated.faults.add(Fault(REDEEM, status=503, times=None))
    bridge.account.credentials.finish_browser(await ends_on(http, bridge, person))
    for tries in range(1, TRIES):
        await bridge.simulated.requests.until(REDEEM, tries)
        await bridge.clock.until_asleep()
        await bridge.clock.advance(bridge.clock.next_wake_s or 0)


async def comes_back_from_elsewhere(
    bridge: Bridge, http: aiohttp.ClientSession, person: Person
) -> None:
    ending = await ends_on(http, bridge, person)
    (code,) = bridge.simulated._simulation.authorizations.values()
    code.nonce = "another"
    bridge.account.credentials.finish_browser(ending)


async def names_no_tenant(bridge: Bridge, _: aiohttp.ClientSession, __: Person) -> None:
    body = b'{"error": "invalid_tenant"}'
    bridge.simulated.faults.add(Fault("discovery", status=400, body=body))
    bridge.account.credentials.request()


async def lost_what_renews(bridge: Bridge, _: aiohttp.ClientSession, person: Person) -> None:
    bridge.simulated.tokens.expires_in_s = SHORT_S
    await bridge.sign_in(person)
    credentials = bridge.account.credentials
    assert isinstance(credentials, PersonSignIn)
    tokens = credentials._stored._cache.tokens
    for kept in list(tokens.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)):
        tokens.remove_rt(kept)
    await bridge.clock.advance(SHORT_S)
    bridge.simulated.faults.add(Fault("devicecode", status=503, times=None))
    with pytest.raises(SignInNeededError):
        await bridge.account.read()


WAYS: dict[str, Meet] = {
    "no_refresh_token": lost_what_renews,
    "invalid_tenant": names_no_tenant,
    "authorization_declined": declines,
    "nobody_came_back": stays_away,
    "not_redeemed": comes_back_in_a_bad_hour,
    "nonce_mismatch": comes_back_from_elsewhere,
}


@pytest.mark.parametrize("name", WITHOUT_NUMBER)
async def test_each_row_without_a_number_can_be_met(
    bridge: Bridge, http: aiohttp.ClientSession, alice: Person, name: str
) -> None:
    row = WITHOUT_NUMBER[name]
    await WAYS[name](bridge, http, alice)
    told = await bridge.until(EXPIRED, ERROR)
    remedy = for_account(row.remedy, "alice")
    assert (told.message, told.remedy, told.who) == (row.text, remedy, row.who)


def test_every_number_that_the_simulator_says_has_a_row() -> None:
    pending = {70016}
    known = {code for row in REMEDIES for code in row.codes}
    assert KINDS.keys() - known == pending | OUR_OWN_FAULT
