"""The Microsoft of the demo: the bridge signs in and reads, and who watches takes part."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.presence import Activity, Availability
from bridge.demo.certificate import ServerCertificate
from bridge.demo.microsoft import APPROVAL_AFTER_S, CLIENT_ID, DOMAIN, SimulatedMicrosoft, listening
from bridge.demo.person import Facts, Person
from bridge.microsoft import Microsoft, MicrosoftAccount
from tests.fakes.clock import ManualClock

DEADLINE_S = 30.0


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
async def demo(
    person: Person, certificate: ServerCertificate, clock: ManualClock
) -> AsyncIterator[SimulatedMicrosoft]:
    async with listening(person, certificate, clock) as running:
        yield running


@pytest.fixture
async def account(
    demo: SimulatedMicrosoft, certificate: ServerCertificate, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[MicrosoftAccount]:
    """The bridge's side, nobody signed in."""
    config = Config.model_validate(
        {
            "state_dir": tmp_path / "state",
            "microsoft": {
                "tenant": DOMAIN,
                "client_id": CLIENT_ID,
                "login_url": demo.address,
                "graph_url": f"{demo.address}/v1.0",
            },
            "network": {"ca_file": certificate.ca_file},
            "accounts": {"alice": {"name": "Alice"}},
        }
    )
    async with Microsoft(config, clock) as microsoft:
        account = microsoft.account("alice")
        running = asyncio.create_task(account.run())
        yield account
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def http(
    demo: SimulatedMicrosoft, certificate: ServerCertificate
) -> AsyncIterator[aiohttp.ClientSession]:
    context = ssl.create_default_context(cafile=certificate.ca_file)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(demo.address, connector=connector) as session:
        yield session


async def until_it_waits(account: MicrosoftAccount, way: Way) -> SignIn:
    account.credentials.request(way)
    async with asyncio.timeout(DEADLINE_S):
        async for sign_in in account.sign_in.watch():
            if sign_in.waits:
                return sign_in
    raise AssertionError("watch never ends")


async def ended(account: MicrosoftAccount) -> SignIn:
    async with asyncio.timeout(DEADLINE_S):
        async for sign_in in account.sign_in.watch():
            if sign_in.state is not SignInState.CODE_PENDING and not sign_in.waits:
                return sign_in
    raise AssertionError("watch never ends")


async def test_a_code_is_approved_by_itself_and_the_presence_is_read(
    account: MicrosoftAccount, person: Person, clock: ManualClock
) -> None:
    waiting = await until_it_waits(account, Way.DEVICE_CODE)
    assert str(waiting.user_code) in str(waiting.message)
    await clock.until_asleep()
    await clock.advance(max(5, APPROVAL_AFTER_S))
    assert (await ended(account)).signed_in_as == "alice@contoso.com"

    person.change(availability="Busy", activity="InACall", status_message="On the phone")
    presence = (await account.read())["alice"]
    assert (presence.availability, presence.activity) == (Availability.BUSY, Activity.IN_A_CALL)
    assert presence.status_message == "On the phone"

    before = await account.credentials.token()
    assert await account.credentials.token(refresh=True) != before
    assert (await account.read()).keys() == {"alice"}


async def test_a_browser_signs_in_at_once(
    account: MicrosoftAccount, http: aiohttp.ClientSession
) -> None:
    waiting = await until_it_waits(account, Way.BROWSER)
    async with http.get(str(waiting.verification_uri), allow_redirects=False) as answer:
        account.credentials.finish_browser(answer.headers["Location"])
    assert (await ended(account)).signed_in_as == "alice@contoso.com"
    assert (await account.read()).keys() == {"alice"}


async def test_who_types_the_code_signs_in_or_declines(
    http: aiohttp.ClientSession, subtests: pytest.Subtests
) -> None:
    for decision, title, error in (
        ("approve", "Signed in", None),
        ("decline", "Declined", "authorization_declined"),
    ):
        with subtests.test(decision=decision):
            async with http.post("/common/oauth2/v2.0/devicecode", data={"scope": "x"}) as answer:
                code = await answer.json()
            form = {"grant_type": "…:device_code", "device_code": code["device_code"]}
            assert (await polled(http, form))["error"] == "authorization_pending"
            async with http.get("/device", params={"code": code["user_code"]}) as answer:
                assert f'value="{code["user_code"]}"' in await answer.text()
            typed = {"code": code["user_code"].lower(), "decision": decision}
            async with http.post("/device", data=typed) as answer:
                assert f"<h1>{title}</h1>" in await answer.text()
            assert (await polled(http, form)).get("error") == error


async def polled(http: aiohttp.ClientSession, form: dict[str, str]) -> dict[str, Any]:
    async with http.post("/common/oauth2/v2.0/token", data=form) as answer:
        body: dict[str, Any] = await answer.json()
    return body


async def test_a_wrong_code_or_token_is_refused_and_what_is_typed_is_no_markup(
    http: aiohttp.ClientSession,
) -> None:
    async with http.post("/device", data={"code": "WRONG", "decision": "approve"}) as answer:
        assert answer.status == 400
    assert (await polled(http, {"refresh_token": "another"}))["error"] == "invalid_grant"
    async with http.get("/v1.0/me/presence") as answer:
        assert answer.status == 401
    async with http.get("/device", params={"code": '"><script>2</script>'}) as answer:
        assert not re.search("<script>", await answer.text())


# Who watches changes the presence.


async def change(
    http: aiohttp.ClientSession, who: str, body: Any = None, *, status: int = 200
) -> Any:
    async with http.post(f"/control/people/{who}/presence", json=body) as answer:
        assert answer.status == status
        return await answer.json()


async def test_the_presence_of_a_person_is_changed(
    http: aiohttp.ClientSession, person: Person
) -> None:
    body = {
        "availability": "Busy",
        "activity": "InACall",
        "statusMessage": "On the phone",
        "outOfOffice": True,
        "outOfOfficeMessage": "Back on Monday",
        "workLocation": "remote",
    }
    shown = await change(http, "Alice@contoso.com", body)
    assert person.facts == Facts(
        availability="Busy",
        activity="InACall",
        status_message="On the phone",
        out_of_office=True,
        out_of_office_message="Back on Monday",
        work_location="remote",
    )
    assert shown["activity"] == "InACall"
    assert shown["outOfOfficeSettings"]["isOutOfOffice"] is True
    assert shown["workLocation"]["workLocationType"] == "remote"

    later = await change(http, person.oid, {"availability": "Away"})
    assert (later["availability"], later["activity"]) == ("Away", "Away")
    assert later["sequenceNumber"] > shown["sequenceNumber"]


@pytest.mark.parametrize(
    ("who", "body", "status", "error"),
    [
        ("nobody", {}, 404, "no such person"),
        ("alice@contoso.com", {"availibility": "Busy"}, 400, "unknown"),
        ("alice@contoso.com", {"outOfOffice": 1}, 400, "wrong type"),
        ("alice@contoso.com", ["Busy"], 400, "not a JSON object"),
    ],
)
async def test_a_mistake_is_reported_in_a_sentence(
    http: aiohttp.ClientSession, who: str, body: Any, status: int, error: str
) -> None:
    assert error in (await change(http, who, body, status=status))["error"]


async def test_a_body_that_is_no_json_is_reported(http: aiohttp.ClientSession) -> None:
    async with http.post("/control/people/alice@contoso.com/presence", data=b"{") as answer:
        assert answer.status == 400
        assert await answer.json() == {"error": "the body is not JSON"}
