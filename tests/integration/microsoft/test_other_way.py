"""A way to sign in that is refused as such is followed by the other one, or by the admin's link."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bridge.contract.account import Mend, SignIn, SignInState, Way
from bridge.contract.errors import SignInNeededError
from bridge.microsoft.sign_in.browser import LIFETIME_S
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person, Tenant
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import Bridge

CODE, REDEEM = "token.device_code", "token.authorization_code"
PENDING, ERROR = SignInState.CODE_PENDING, SignInState.ERROR


async def refused_code(bridge: Bridge, person: Person) -> SignIn:
    """A person enters a code and is refused; the sign-in once something else is shown."""
    code = await bridge.code()
    bridge.simulated.approve(code, person)
    await bridge.poll()
    return await other_than(bridge, code)


async def other_than(bridge: Bridge, code: str) -> SignIn:
    async with asyncio.timeout(10):
        async for now in bridge.account.sign_in.watch():
            if now.user_code != code and (now.waits or now.remedy):
                return now
    raise AssertionError("watch never ends")


async def accept(bridge: Bridge, http: aiohttp.ClientSession, person: Person) -> None:
    """Sign in at the address that waits, and hand in where the browser ends."""
    form = {"person": person.upn, "decision": "approve"}
    address = str(bridge.account.sign_in.value.verification_uri)
    async with http.post(address, data=form, allow_redirects=False) as answer:
        bridge.account.credentials.finish_browser(answer.headers["Location"])


async def test_a_blocked_code_is_followed_by_the_browser_by_itself(
    bridge: Bridge, http: aiohttp.ClientSession, tenant: Tenant, alice: Person
) -> None:
    tenant.device_code_blocked = True
    shown = await refused_code(bridge, alice)
    assert (shown.state, shown.user_code, shown.aadsts) == (PENDING, None, 53003)
    assert "/authorize?" in str(shown.verification_uri)
    assert str(shown.message).endswith("(AADSTS53003). Sign in with a browser instead.")
    assert shown.expires_at
    assert (shown.mend, shown.who) == (Mend.EXCEPTION, "your admin")
    assert shown.letter
    assert "AADSTS53003" in shown.letter.body
    assert str(shown.correlation_id) in shown.letter.body
    await accept(bridge, http, alice)
    assert await bridge.until(SignInState.SIGNED_IN) == SignIn(
        SignInState.SIGNED_IN, signed_in_as=alice.upn
    )
    # nobody enters a code in vain twice
    bridge.account.credentials.request()
    assert (await bridge.until_it_waits()).user_code is None
    # but who wants a code gets one
    bridge.account.credentials.request(Way.DEVICE_CODE)
    async with asyncio.timeout(10):
        async for now in bridge.account.sign_in.watch():
            if now.user_code:
                break


async def test_a_browser_that_is_refused_too_ends_with_the_message_to_the_admin(
    bridge: Bridge,
    http: aiohttp.ClientSession,
    tenant: Tenant,
    alice: Person,
    microsoft: ScriptedMicrosoft,
) -> None:
    tenant.device_code_blocked = True
    await refused_code(bridge, alice)
    microsoft.faults.add(Fault(REDEEM, aadsts=53003))
    await accept(bridge, http, alice)
    shown = await bridge.until(ERROR)
    assert shown.letter
    assert shown.mend is Mend.EXCEPTION
    assert bridge.clock.sleepers == 0, "nothing is tried a third time"


async def test_a_browser_that_nobody_used_leaves_the_reason_shown(
    bridge: Bridge, tenant: Tenant, alice: Person
) -> None:
    tenant.device_code_blocked = True
    await refused_code(bridge, alice)
    await bridge.clock.until_asleep()
    await bridge.clock.advance(LIFETIME_S)
    shown = await bridge.until(ERROR)
    assert "AADSTS53003" in str(shown.message)
    assert shown.letter


async def test_an_app_without_public_flows_is_reported_with_its_page_while_a_browser_is_tried(
    bridge: Bridge, http: aiohttp.ClientSession, app: App, alice: Person
) -> None:
    app.public_client = False
    shown = await refused_code(bridge, alice)
    assert (shown.aadsts, shown.mend, shown.user_code) == (7000218, Mend.PUBLIC_CLIENT, None)
    page = f"/~/Authentication/appId/{app.client_id}"
    assert str(shown.mend_url).startswith("https://entra.microsoft.com/#view/")
    assert str(shown.mend_url).endswith(page)
    await accept(bridge, http, alice)  # its redirect address makes it public enough
    await bridge.until(SignInState.SIGNED_IN)


async def test_a_browser_that_the_app_is_not_made_for_is_followed_by_a_code(
    bridge: Bridge, http: aiohttp.ClientSession, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(REDEEM, aadsts=9002325))
    address = await bridge.address()
    await bridge.clock.until_asleep()
    await accept(bridge, http, alice)
    async with asyncio.timeout(10):
        async for shown in bridge.account.sign_in.watch():
            if shown.user_code:
                break
    assert shown.aadsts == 9002325
    assert str(shown.message).endswith("Sign in with a code instead.")
    assert address != shown.verification_uri
    await bridge.clock.until_asleep()
    microsoft.approve(str(shown.user_code), alice)
    await bridge.poll()
    await bridge.until(SignInState.SIGNED_IN)


async def test_a_sign_in_that_a_policy_ended_is_offered_by_the_browser(
    alices: Bridge, tenant: Tenant, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    tenant.device_code_blocked = True
    microsoft.tokens.revoke_access(alice.oid)
    with pytest.raises(SignInNeededError, match="AADSTS530036"):
        await alices.account.read()
    shown = await alices.until_it_waits()
    assert (shown.state, shown.user_code, shown.aadsts) == (PENDING, None, 530036)
    assert "Sign in with a browser instead." in str(shown.message)


@pytest.mark.parametrize(
    ("number", "mend", "words"),
    [
        (65001, Mend.CONSENT, "/adminconsent?client_id="),
        (90094, Mend.CONSENT, "/adminconsent?client_id="),
        (50105, Mend.ASSIGNMENT, "Users and groups"),
    ],
)
async def test_what_an_admin_must_do_comes_with_a_ready_message(
    bridge: Bridge, home: Household, number: int, mend: Mend, words: str
) -> None:
    alice, app = home.person, home.app
    alice.refused_with = number
    shown = await refused_code(bridge, alice)
    assert (shown.aadsts, shown.mend, shown.waits) == (number, mend, False)
    assert shown.letter
    assert words in shown.letter.body
    assert app.client_id in shown.letter.body
    assert f"AADSTS{number}" in shown.letter.body
    if mend is Mend.CONSENT:
        assert str(shown.mend_url) in shown.letter.body


async def test_wrong_ids_are_reported_with_where_they_are_changed(
    bridge: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault("devicecode", aadsts=700016))
    bridge.account.credentials.request()
    shown = await bridge.until(ERROR)
    assert (shown.mend, shown.letter) == (Mend.REGISTRATION, None)
