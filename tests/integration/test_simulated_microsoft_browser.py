"""The unmodified msal signs in by authorization code with PKCE."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import msal
import pytest
import requests

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Person, Tenant

SCOPES = ["Presence.Read", "User.Read"]
REDIRECT = "http://localhost:50123"


@pytest.fixture
async def client(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App, tenant: Tenant
) -> Any:
    return await asyncio.to_thread(
        msal.PublicClientApplication,
        app.client_id,
        authority=f"{microsoft.login_url}/{tenant.domain}",
        instance_discovery=False,
        http_client=msal_session,
    )


def start(client: Any, *, mode: str = "form_post", redirect: str = REDIRECT) -> dict[str, Any]:
    flow: dict[str, Any] = client.initiate_auth_code_flow(
        SCOPES, redirect_uri=redirect, response_mode=mode, login_hint="alice@contoso.com"
    )
    return flow


async def finish(client: Any, flow: dict[str, Any], answer: dict[str, str]) -> dict[str, Any]:
    tokens: dict[str, Any] = await asyncio.to_thread(
        client.acquire_token_by_auth_code_flow, flow, answer
    )
    return tokens


async def decide(
    http: aiohttp.ClientSession, flow: dict[str, Any], decision: str = "approve"
) -> dict[str, str]:
    """Sign in on the page as Alice; what the browser brings back to the app."""
    form = {"person": "alice@contoso.com", "decision": decision}
    async with http.post(flow["auth_uri"], data=form, allow_redirects=False) as answer:
        return carried(await answer.text(), answer.headers.get("Location"))


def carried(page: str, location: str | None) -> dict[str, str]:
    if location:
        assert location.startswith(REDIRECT)
        return dict(parse_qsl(urlsplit(location).query))
    assert f'action="{REDIRECT}"' in page
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")
async def test_a_person_signs_in_on_the_page(
    client: Any, http: aiohttp.ClientSession, alice: Person, tenant: Tenant, mode: str
) -> None:
    flow = start(client, mode=mode)
    async with http.get(flow["auth_uri"]) as answer:
        page = await answer.text()
    assert "Presence Bridge asks for" in page
    assert f'value="{alice.upn}" selected' in page

    tokens = await finish(client, flow, await decide(http, flow))

    assert tokens["id_token_claims"]["oid"] == alice.oid
    (account,) = client.get_accounts()
    assert account["home_account_id"] == f"{alice.oid}.{tenant.tenant_id}"
    silent = await asyncio.to_thread(client.acquire_token_silent_with_error, SCOPES, account)
    assert silent["token_source"] == "cache"


async def test_msal_itself_waits_for_the_browser_on_loopback(
    client: Any, microsoft: ScriptedMicrosoft, msal_session: requests.Session, alice: Person
) -> None:
    microsoft.auto_approve(alice)
    visits: list[asyncio.Future[None]] = []
    loop = asyncio.get_running_loop()

    def browse(auth_uri: str, **_: Any) -> None:
        def visit() -> None:
            page = msal_session.get(auth_uri, timeout=5).text
            target = re.findall(r'action="([^"]*)"', page)[0]
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
            requests.post(target, data=fields, timeout=5)

        visits.append(asyncio.run_coroutine_threadsafe(asyncio.to_thread(visit), loop))  # type: ignore[arg-type]

    tokens = await asyncio.to_thread(
        client.acquire_token_interactive, SCOPES, timeout=10, auth_uri_callback=browse
    )

    assert tokens["id_token_claims"]["preferred_username"] == alice.upn


async def test_who_cancels_is_reported_to_the_app(client: Any, http: aiohttp.ClientSession) -> None:
    flow = start(client)
    answer = await decide(http, flow, "decline")

    assert answer["error"] == "access_denied"
    assert "AADSTS65004" in answer["error_description"]
    assert (await finish(client, flow, answer))["error"] == "access_denied"


async def test_a_code_works_once(client: Any, http: aiohttp.ClientSession) -> None:
    flow = start(client)
    answer = await decide(http, flow)
    assert "access_token" in await finish(client, flow, answer)

    assert (await finish(client, flow, answer))["error_codes"] == [54005]


async def test_a_code_is_good_for_ten_minutes(
    client: Any, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    flow = start(client)
    answer = await decide(http, flow)
    await clock.advance(600)

    assert (await finish(client, flow, answer))["error_codes"] == [70008]


async def test_a_wrong_proof_is_refused(client: Any, http: aiohttp.ClientSession) -> None:
    flow = start(client)
    answer = await decide(http, flow)
    flow["code_verifier"] = "somebody else's"

    assert (await finish(client, flow, answer))["error_codes"] == [501481]


async def test_a_code_nobody_gave_out_is_refused(client: Any) -> None:
    flow = start(client)
    forged = {"code": "forged", "state": flow["state"]}

    assert (await finish(client, flow, forged))["error_codes"] == [70000]


async def test_another_redirect_at_the_token_endpoint_is_refused(
    client: Any, http: aiohttp.ClientSession
) -> None:
    flow = start(client)
    answer = await decide(http, flow)
    flow["redirect_uri"] = "http://localhost:1"

    assert (await finish(client, flow, answer))["error_codes"] == [50011]


@pytest.mark.parametrize(
    ("redirect", "status"),
    [
        ("http://localhost", 200),
        ("http://localhost:8400/", 200),
        ("http://localhost:8400/other", 400),
        ("https://localhost:8400", 400),
        ("http://127.0.0.1:8400", 400),
        ("https://bridge.test/callback", 200),
        ("https://bridge.test:1/callback", 400),
        ("https://evil.test/callback", 400),
    ],
)
async def test_only_registered_redirects_are_welcome_on_any_port_of_localhost(
    client: Any, http: aiohttp.ClientSession, app: App, redirect: str, status: int
) -> None:
    app.redirect_uris.append("https://bridge.test/callback")
    flow = start(client, redirect=redirect)

    async with http.get(flow["auth_uri"], allow_redirects=False) as answer:
        assert answer.status == status
        assert ("AADSTS50011" in await answer.text()) == (status == 400)


async def test_a_policy_refuses_at_the_token_endpoint(
    client: Any, http: aiohttp.ClientSession, alice: Person
) -> None:
    alice.refused_with = 53003
    flow = start(client)

    assert (await finish(client, flow, await decide(http, flow)))["error_codes"] == [53003]


async def test_a_policy_against_device_codes_and_closed_public_flows_do_not_matter_here(
    client: Any, http: aiohttp.ClientSession, tenant: Tenant, app: App
) -> None:
    tenant.device_code_blocked, app.public_client = True, False
    flow = start(client)
    assert "access_token" in await finish(client, flow, await decide(http, flow))

    (account,) = client.get_accounts()
    again = await asyncio.to_thread(
        client.acquire_token_silent_with_error, SCOPES, account, force_refresh=True
    )
    assert again["token_source"] == "identity_provider"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "Presence.Raed"}, "invalid_scope"),
    ],
)
async def test_a_wrong_request_goes_back_to_the_app_with_its_state(
    http: aiohttp.ClientSession, tenant: Tenant, app: App, change: dict[str, str], error: str
) -> None:
    query = {
        "client_id": app.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "Presence.Read",
        "state": "mine",
    } | change
    path = f"/{tenant.tenant_id}/oauth2/v2.0/authorize"
    for method in ("GET", "POST"):
        async with http.request(method, path, params=query, allow_redirects=False) as answer:
            back = carried(await answer.text(), answer.headers.get("Location"))

        assert (back["error"], back["state"]) == (error, "mine")


async def test_nobody_chosen_is_asked_once_more(client: Any, http: aiohttp.ClientSession) -> None:
    async with http.post(start(client)["auth_uri"], data={"person": "nobody"}) as answer:
        assert answer.status == 400
