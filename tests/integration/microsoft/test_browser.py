"""Signing in with a browser: on this machine, elsewhere with a paste, and every way it can end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignInState, Way
from bridge.contract.errors import (
    PersonMustActError,
    PresenceBridgeError,
    SignInNeededError,
)
from bridge.microsoft.sign_in.browser import LIFETIME_S, TRIES
from bridge.microsoft.sign_in.remedies import ADMIN, YOU
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person
from tests.fakes.microsoft.faults import Cut, Fault
from tests.integration.microsoft.conftest import Bridge, Start, started

PENDING, SIGNED_IN = SignInState.CODE_PENDING, SignInState.SIGNED_IN
EXPIRED, ERROR = SignInState.EXPIRED, SignInState.ERROR
REDEEM = "token.authorization_code"


class Visitor:
    """A person with a browser that does not run on the bridge's machine."""

    def __init__(self, http: aiohttp.ClientSession, person: Person) -> None:
        self._http, self._person = http, person

    async def ends_on(self, address: str, decision: str = "approve") -> str:
        """Where the browser ends after signing in at ``address``."""
        form = {"person": self._person.upn, "decision": decision}
        async with self._http.post(address, data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]


@pytest.fixture
def visitor(http: aiohttp.ClientSession, alice: Person) -> Visitor:
    return Visitor(http, alice)


@pytest.fixture
async def local() -> AsyncIterator[aiohttp.ClientSession]:
    """What a browser on the bridge's machine fetches from that machine itself."""
    async with aiohttp.ClientSession() as session:
        yield session


async def begin(bridge: Bridge) -> str:
    async with asyncio.timeout(10):
        address = await bridge.address()
    await bridge.clock.until_asleep()
    return address


async def sign_in(bridge: Bridge, visitor: Visitor) -> None:
    bridge.account.credentials.finish_browser(await visitor.ends_on(await begin(bridge)))
    await bridge.until(SIGNED_IN)


# The two ways back.


async def test_a_browser_on_this_machine_comes_back_by_itself(
    bridge: Bridge,
    visitor: Visitor,
    local: aiohttp.ClientSession,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    address = await begin(bridge)
    shown = bridge.account.sign_in.value
    assert (shown.state, shown.user_code, shown.verification_uri) == (PENDING, None, address)
    assert shown.expires_at == clock.now() + timedelta(seconds=600)
    assert address in caplog.text

    async with local.get(await visitor.ends_on(address)) as last:
        assert last.status == 200
        assert "You can close this page" in await last.text()
        assert last.headers["Cache-Control"] == "no-store"
    await bridge.until(SIGNED_IN)
    assert caplog.messages[-1] == "alice is signed in"
    assert (await bridge.account.read())["alice"].availability == "available"


async def test_an_address_pasted_from_another_machine_does_the_same(
    start: Start, visitor: Visitor
) -> None:
    async with start() as running:
        await sign_in(running, visitor)
        assert "alice" in await running.account.read()
    async with start() as again:
        assert "alice" in await again.account.read()


@pytest.mark.parametrize("form", [" {0}\n", "{0}#", "{1}", "/?{1}"])
async def test_an_address_may_be_pasted_in_several_forms(
    bridge: Bridge, visitor: Visitor, form: str
) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    bridge.account.credentials.finish_browser(form.format(ending, urlsplit(ending).query))
    await bridge.until(SIGNED_IN)


async def test_the_request_proves_itself_and_asks_for_no_more_than_is_used(bridge: Bridge) -> None:
    asked = dict(parse_qsl(urlsplit(await begin(bridge)).query))
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["nonce"]
    assert set(asked["scope"].split()) == {
        "Presence.Read",
        "User.Read",
        "openid",
        "profile",
        "offline_access",
    }
    assert asked["redirect_uri"].startswith("http://localhost:")


async def test_a_config_can_make_it_the_usual_way(
    config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, visitor: Visitor
) -> None:
    table = {"accounts": {"alice": {"sign_in": "browser"}}}
    changed = Config.model_validate(config.model_dump() | table)
    async with started(changed, clock, microsoft) as running:
        running.account.credentials.request()
        address = (await running.until(PENDING)).verification_uri
        running.account.credentials.finish_browser(await visitor.ends_on(str(address)))
        await running.until(SIGNED_IN)
    assert microsoft.requests.count("devicecode") == 0


# What is handed in wrongly does not end the sign-in.


@pytest.mark.parametrize("pasted", ["", "hello", "http://localhost:1/", "code=abc", "state=abc"])
async def test_a_wrong_paste_says_what_to_paste(
    bridge: Bridge, visitor: Visitor, pasted: str
) -> None:
    address = await begin(bridge)
    redirect_uri = parse_qs(urlsplit(address).query)["redirect_uri"][0]
    with pytest.raises(PersonMustActError, match="not the address") as caught:
        bridge.account.credentials.finish_browser(pasted)
    assert f"{redirect_uri} and holds code= and state=" in caught.value.remedy
    with pytest.raises(PersonMustActError, match="not the address"):
        bridge.account.credentials.finish_browser(address)
    bridge.account.credentials.finish_browser(await visitor.ends_on(address))
    await bridge.until(SIGNED_IN)


async def test_an_address_of_another_sign_in_is_refused_everywhere(
    bridge: Bridge, visitor: Visitor, local: aiohttp.ClientSession
) -> None:
    address = await begin(bridge)
    ending = await visitor.ends_on(address)
    forged = urlencode({"code": "stolen", "state": "guessed"})
    with pytest.raises(PersonMustActError, match="belongs to another sign-in"):
        bridge.account.credentials.finish_browser(f"http://localhost/?{forged}")
    async with local.get(f"{ending.partition('?')[0]}?{forged}") as refused:
        assert refused.status == 400
        assert "belongs to another sign-in" in await refused.text()
    assert bridge.account.sign_in.value.state is PENDING
    bridge.account.credentials.finish_browser(ending)
    await bridge.until(SIGNED_IN)


async def test_an_address_works_once(bridge: Bridge, visitor: Visitor) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    bridge.account.credentials.finish_browser(ending)
    with pytest.raises(PersonMustActError, match="has its address already"):
        bridge.account.credentials.finish_browser(ending)
    await bridge.until(SIGNED_IN)
    with pytest.raises(PersonMustActError, match="No sign-in waits"):
        bridge.account.credentials.finish_browser(ending)
    await begin(bridge)
    with pytest.raises(PersonMustActError, match="belongs to another sign-in"):
        bridge.account.credentials.finish_browser(ending)


async def test_nothing_waits_before_a_sign_in_was_asked_for(
    bridge: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    with pytest.raises(PersonMustActError, match="No sign-in waits for an address"):
        bridge.account.credentials.finish_browser("http://localhost/?code=a&state=b")
    assert len(microsoft.requests) == 0


# How it ends otherwise.


async def test_it_times_out_after_ten_minutes_and_the_port_is_closed(
    bridge: Bridge, visitor: Visitor, local: aiohttp.ClientSession
) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    await bridge.clock.advance(LIFETIME_S - 1)
    assert bridge.account.sign_in.value.state is PENDING
    await bridge.clock.advance(1)
    told = await bridge.until(EXPIRED)
    assert "10 minutes" in str(told.message)
    assert told.remedy == "Start the sign-in again."
    with pytest.raises(aiohttp.ClientConnectionError):
        await local.get(ending)
    with pytest.raises(PersonMustActError, match="No sign-in waits"):
        bridge.account.credentials.finish_browser(ending)
    await sign_in(bridge, visitor)


async def test_who_cancels_on_the_page_sees_it(bridge: Bridge, visitor: Visitor) -> None:
    bridge.account.credentials.finish_browser(await visitor.ends_on(await begin(bridge), "decline"))
    told = await bridge.until(EXPIRED)
    assert "AADSTS65004" in str(told.message)
    assert told.remedy == "Sign in and accept."
    await sign_in(bridge, visitor)


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (65001, (EXPIRED, YOU, "consent")),
        (90094, (ERROR, ADMIN, "grant admin consent")),
        (53003, (ERROR, ADMIN, "exception")),
        (50076, (EXPIRED, YOU, "Sign in again")),
    ],
)
async def test_policies_are_reported_and_it_works_once_they_are_mended(
    bridge: Bridge,
    visitor: Visitor,
    alice: Person,
    code: int,
    ending: tuple[SignInState, str, str],
) -> None:
    state, who, words = ending
    alice.refused_with = code
    bridge.account.credentials.finish_browser(await visitor.ends_on(await begin(bridge)))
    told = await bridge.until(state)
    assert f"AADSTS{code}" in str(told.message)
    assert words in str(told.remedy)
    assert told.who == who
    assert told.correlation_id
    alice.refused_with = None
    await sign_in(bridge, visitor)


async def test_an_answer_to_somebody_elses_question_is_refused(
    bridge: Bridge, visitor: Visitor, microsoft: ScriptedMicrosoft
) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    (code,) = microsoft._simulation.authorizations.values()
    code.nonce = "another"
    bridge.account.credentials.finish_browser(ending)
    told = await bridge.until(EXPIRED)
    assert "another sign-in" in str(told.message)
    with pytest.raises(SignInNeededError):
        await bridge.account.read()


async def test_a_code_that_was_swapped_on_its_way_is_refused(
    bridge: Bridge, visitor: Visitor, microsoft: ScriptedMicrosoft
) -> None:
    first = dict(parse_qsl(urlsplit(await visitor.ends_on(await begin(bridge))).query))
    bridge.account.credentials.request(Way.DEVICE_CODE)
    await bridge.until(SignInState.SIGNED_OUT)
    second = dict(parse_qsl(urlsplit(await visitor.ends_on(await begin(bridge))).query))
    ours, theirs = (microsoft._simulation.authorizations[x["code"]] for x in (second, first))
    theirs.redirect_uri = ours.redirect_uri  # as on the same port
    swapped = urlencode({"code": first["code"], "state": second["state"]})
    bridge.account.credentials.finish_browser(f"http://localhost/?{swapped}")
    assert "AADSTS501481" in str((await bridge.until(EXPIRED)).message)


BAD_MOMENTS = [
    Fault(REDEEM, status=503),
    Fault(REDEEM, status=429, retry_after=30),
    Fault(REDEEM, aadsts=90033),
    Fault(REDEEM, cut=Cut.BEFORE_HEADERS),
]


@pytest.mark.parametrize("fault", BAD_MOMENTS, ids=lambda f: str(f.cut or f.aadsts or f.status))
async def test_a_code_outlives_a_bad_moment(
    bridge: Bridge,
    visitor: Visitor,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    fault: Fault,
) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    microsoft.faults.add(fault)
    bridge.account.credentials.finish_browser(ending)
    if fault.cut:  # the server had already taken the code
        assert await until_asked(microsoft, clock, 2)
        assert "AADSTS54005" in str((await bridge.until(EXPIRED)).message)
    else:
        assert await until_asked(microsoft, clock, 2)
        await bridge.until(SIGNED_IN)


async def until_asked(microsoft: ScriptedMicrosoft, clock: ManualClock, times: int) -> bool:
    for number in range(1, times):
        await microsoft.requests.until(REDEEM, number)
        await clock.until_asleep()
        await clock.advance(clock.next_wake_s or 0)
    await microsoft.requests.until(REDEEM, times)
    return True


async def test_a_bad_hour_ends_the_sign_in_with_its_remedy(
    bridge: Bridge, visitor: Visitor, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    microsoft.faults.add(Fault(REDEEM, status=503, times=None))
    bridge.account.credentials.finish_browser(ending)
    await until_asked(microsoft, clock, TRIES)
    told = await bridge.until(EXPIRED)
    assert told.remedy == "Start the sign-in again in a while."


async def test_what_cannot_begin_is_reported_at_once(
    bridge: Bridge, home: Household, microsoft: ScriptedMicrosoft
) -> None:
    del home.directory._tenants[home.tenant.domain]
    bridge.account.credentials.request(Way.BROWSER)
    assert "AADSTS90002" in str((await bridge.until(ERROR)).message)
    home.directory._tenants[home.tenant.domain] = home.tenant
    microsoft.faults.add(Fault("discovery", status=503))
    bridge.account.credentials.request(Way.BROWSER)
    await bridge.clock.until_asleep()
    told = bridge.account.sign_in.value
    assert told.message == "Microsoft's sign-in fails (HTTP 503). It is tried again."
    await bridge.clock.advance(5)
    assert await begin(bridge)


async def test_an_app_that_knows_no_redirect_address_says_so_on_the_page(
    bridge: Bridge, app: App, http: aiohttp.ClientSession
) -> None:
    app.redirect_uris = ["https://example.com"]
    async with http.get(await begin(bridge)) as page:
        assert page.status == 400
        assert "AADSTS50011" in await page.text()


# Beside other sign-ins.


async def test_where_device_codes_are_blocked_a_browser_still_works(
    alices: Bridge, home: Household, visitor: Visitor, clock: ManualClock
) -> None:
    home.tenant.device_code_blocked = True
    await clock.advance(3600)
    with pytest.raises(SignInNeededError):
        await alices.account.read()
    await sign_in(alices, visitor)
    await clock.advance(3600)
    assert "alice" in await alices.account.read()


async def test_another_way_takes_the_place_of_a_code_that_waits(
    bridge: Bridge, visitor: Visitor, microsoft: ScriptedMicrosoft
) -> None:
    await bridge.code()
    address = await begin(bridge)
    assert bridge.account.sign_in.value.user_code is None
    assert await begin(bridge) == address
    bridge.account.credentials.finish_browser(await visitor.ends_on(address))
    await bridge.until(SIGNED_IN)
    assert microsoft.requests.count("devicecode") == 1


async def test_a_sign_out_takes_the_address_back(bridge: Bridge, visitor: Visitor) -> None:
    ending = await visitor.ends_on(await begin(bridge))
    await bridge.account.credentials.sign_out()
    await bridge.clock.settle()
    with pytest.raises(PersonMustActError, match="No sign-in waits"):
        bridge.account.credentials.finish_browser(ending)
    await sign_in(bridge, visitor)


async def test_an_end_of_the_bridge_closes_the_port(
    start: Start, visitor: Visitor, local: aiohttp.ClientSession
) -> None:
    async with start() as running:
        ending = await visitor.ends_on(await begin(running))
    with pytest.raises(aiohttp.ClientConnectionError):
        await local.get(ending)


async def test_an_address_from_before_a_restart_is_refused_and_a_new_one_works(
    start: Start, visitor: Visitor
) -> None:
    async with start() as running:
        ending = await visitor.ends_on(await begin(running))
    async with start() as again:
        with pytest.raises(PersonMustActError, match="No sign-in waits"):
            again.account.credentials.finish_browser(ending)
        await sign_in(again, visitor)


async def test_a_claims_challenge_is_met_by_the_next_sign_in(
    alices: Bridge, visitor: Visitor, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.faults.add(Fault("me.presence", challenge='{"access_token":{"acrs":"c1"}}'))
    alice.refused_with = 50076
    with pytest.raises(SignInNeededError):
        await alices.account.read()
    alice.refused_with = None
    asked = parse_qs(urlsplit(await begin(alices)).query)
    assert '"acrs": "c1"' in asked["claims"][0]
    assert "CP1" in asked["claims"][0]


async def test_no_code_is_ever_logged_or_shown(
    bridge: Bridge,
    visitor: Visitor,
    microsoft: ScriptedMicrosoft,
    local: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "bridge")
    caplog.set_level(logging.DEBUG, "aiohttp")
    ending = await visitor.ends_on(await begin(bridge))
    told: list[str] = []
    for wrong in ("/?x=1", f"/?{urlsplit(ending).query}&state=other"):
        with pytest.raises(PresenceBridgeError) as caught:
            bridge.account.credentials.finish_browser(wrong)
        told.append(str(caught.value))
    async with local.get(ending) as page:
        told.append(await page.text())
    await bridge.until(SIGNED_IN)
    told += [str(bridge.account.sign_in.value), caplog.text]
    (code,) = microsoft._simulation.authorizations
    assert all(code not in text for text in told)
