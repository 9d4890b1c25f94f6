"""The unmodified msal signs in at the simulated Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import msal
import pytest
import requests

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Person, Tenant

SCOPES = ["Presence.Read", "User.Read"]


class Client:
    """An app with msal's token cache, each call through a fresh application object.

    msal answers some repeated requests from memory; a fresh object starts clean.
    """

    def __init__(
        self, microsoft: ScriptedMicrosoft, session: requests.Session, client_id: str
    ) -> None:
        self._microsoft, self._session, self._client_id = microsoft, session, client_id
        self.cache = msal.TokenCache()
        self.capabilities: list[str] | None = None

    async def call(
        self, use: Callable[[Any], Any], *, tenant: str = "contoso.com", cache: Any = None
    ) -> Any:
        """What ``use`` returns for an application object; on a thread, as msal blocks."""

        def work() -> Any:
            return use(
                msal.PublicClientApplication(
                    self._client_id,
                    authority=f"{self._microsoft.login_url}/{tenant}",
                    instance_discovery=False,
                    http_client=self._session,
                    token_cache=cache or self.cache,
                    client_capabilities=self.capabilities,
                )
            )

        return await asyncio.to_thread(work)

    async def start(self, scopes: list[str] | None = None) -> dict[str, Any]:
        flow: dict[str, Any] = await self.call(
            lambda app: app.initiate_device_flow(scopes or SCOPES)
        )
        return flow

    async def poll(self, flow: dict[str, Any]) -> dict[str, Any]:
        flow.pop("latest_attempt_at", None)  # msal would warn: it knows the real time only
        answer: dict[str, Any] = await self.call(
            lambda app: app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        )
        return answer

    async def sign_in(self, person: Person, scopes: list[str] | None = None) -> dict[str, Any]:
        flow = await self.start(scopes)
        self._microsoft.approve(flow["user_code"], person)
        return await self.poll(flow)

    async def silent(self, *, refresh: bool = False, **more: Any) -> dict[str, Any]:
        def use(app: Any) -> Any:
            (account,) = app.get_accounts()
            return app.acquire_token_silent_with_error(
                more.pop("scopes", SCOPES), account, force_refresh=refresh, **more
            )

        answer: dict[str, Any] = await self.call(use)
        return answer


@pytest.fixture
def client(microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App) -> Client:
    return Client(microsoft, msal_session, app.client_id)


async def test_a_person_signs_in_with_a_code(
    microsoft: ScriptedMicrosoft,
    client: Client,
    clock: ManualClock,
    alice: Person,
    tenant: Tenant,
) -> None:
    flow = await client.start()
    assert flow["verification_uri"] == f"{microsoft.login_url}/device"
    assert flow["user_code"] in flow["message"]
    assert (await client.poll(flow))["error"] == "authorization_pending"

    microsoft.approve(flow["user_code"], alice)
    await clock.advance(5)
    tokens = await client.poll(flow)

    assert tokens["token_source"] == "identity_provider"
    assert tokens["expires_in"] == 3600
    assert tokens["id_token_claims"]["preferred_username"] == alice.upn
    (account,) = await client.call(lambda application: application.get_accounts())
    assert account["username"] == alice.upn
    assert account["home_account_id"] == f"{alice.oid}.{tenant.tenant_id}"
    assert account["realm"] == tenant.tenant_id


async def test_the_domain_and_the_guid_lead_to_the_same_tenant(
    client: Client, tenant: Tenant
) -> None:
    for name in (tenant.domain, tenant.tenant_id):
        found = await client.call(lambda application: application.authority.tenant, tenant=name)
        assert found == tenant.tenant_id


async def test_an_unknown_tenant_is_reported_with_its_number(
    client: Client, http: aiohttp.ClientSession
) -> None:
    async with http.get("/nobody.test/v2.0/.well-known/openid-configuration") as answer:
        body = await answer.json()
    assert answer.status == 400
    assert body["error_codes"] == [90002]
    assert "nobody.test" in body["error_description"]

    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        await client.call(lambda application: application, tenant="nobody.test")


async def test_discovery_names_graph_and_no_tenant_for_an_alias(
    microsoft: ScriptedMicrosoft, http: aiohttp.ClientSession
) -> None:
    async with http.get("/common/v2.0/.well-known/openid-configuration") as answer:
        body = await answer.json()

    assert answer.status == 200
    assert body["issuer"] == f"{microsoft.login_url}/{{tenantid}}/v2.0"
    assert f"https://{body['msgraph_host']}/v1.0" == microsoft.graph_url


async def test_a_code_needs_a_tenant(client: Client) -> None:
    flow = await client.call(
        lambda application: application.initiate_device_flow(SCOPES), tenant="organizations"
    )

    assert flow["error_codes"] == [50059]
    assert "user_code" not in flow


async def test_who_polls_too_fast_is_asked_to_slow_down(client: Client) -> None:
    flow = await client.start()
    await client.poll(flow)
    answer = await client.poll(flow)

    assert answer["error"] == "slow_down"
    assert flow["interval"] == 10


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda microsoft, code: microsoft.decline(code), "authorization_declined"),
        (lambda microsoft, _: microsoft.codes.expire_all(), "expired_token"),
    ],
)
async def test_a_code_that_came_to_nothing_says_how(
    microsoft: ScriptedMicrosoft,
    client: Client,
    end: Callable[[ScriptedMicrosoft, str], None],
    error: str,
) -> None:
    flow = await client.start()
    end(microsoft, flow["user_code"])

    assert (await client.poll(flow))["error"] == error


async def test_a_code_works_once(
    client: Client, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    flow = await client.start()
    microsoft.approve(flow["user_code"], alice)
    assert "access_token" in await client.poll(flow)

    assert (await client.poll(flow))["error"] == "bad_verification_code"


async def test_an_unknown_app_gets_no_code(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session
) -> None:
    stranger = Client(microsoft, msal_session, "11111111-1111-1111-1111-111111111111")

    flow = await stranger.start()

    assert flow["error"] == "unauthorized_client"
    assert flow["error_codes"] == [700016]


async def test_an_app_is_unknown_in_another_tenant(
    client: Client, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.directory.add_tenant("fabrikam.com")

    flow = await client.call(
        lambda application: application.initiate_device_flow(SCOPES), tenant="fabrikam.com"
    )

    assert flow["error_codes"] == [700016]


async def test_a_permission_that_does_not_exist_gets_no_code(client: Client) -> None:
    assert (await client.start(["Presence.Raed"]))["error_codes"] == [70011]


async def test_without_public_client_flows_the_poll_after_the_approval_is_refused(
    client: Client, alice: Person, app: App, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    app.public_client = False
    flow = await client.start()
    assert (await client.poll(flow))["error"] == "authorization_pending"

    microsoft.approve(flow["user_code"], alice)
    await clock.advance(5)
    answer = await client.poll(flow)

    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [7000218]
    assert microsoft.requests.of("token.device_code")[-1].status == 401


async def test_without_consent_there_is_no_token(client: Client, alice: Person, app: App) -> None:
    app.consented = {"User.Read"}
    refused = await client.sign_in(alice)
    assert refused["error_codes"] == [65001]
    assert refused["suberror"] == "consent_required"

    app.consented = {"User.Read", "Presence.Read"}
    assert "access_token" in await client.sign_in(alice)


async def test_a_policy_may_refuse_a_person(client: Client, alice: Person) -> None:
    alice.refused_with = 50076
    refused = await client.sign_in(alice)

    assert refused["error"] == "interaction_required"
    assert refused["error_codes"] == [50076]
    assert refused["correlation_id"] in refused["error_description"]


async def test_somebody_of_another_tenant_is_refused(
    client: Client, microsoft: ScriptedMicrosoft
) -> None:
    fabrikam = microsoft.directory.add_tenant("fabrikam.com")
    bob = microsoft.directory.add_person(fabrikam, "bob@fabrikam.com")

    assert (await client.sign_in(bob))["error_codes"] == [50020]


@pytest.mark.parametrize(
    "scopes", [SCOPES, ["https://graph.microsoft.com/Presence.Read"]], ids=["short", "address"]
)
async def test_a_cached_token_is_used_whatever_the_spelling_of_the_scope(
    client: Client, microsoft: ScriptedMicrosoft, alice: Person, scopes: list[str]
) -> None:
    await client.sign_in(alice, scopes)

    answer = await client.silent(scopes=scopes)

    assert answer["token_source"] == "cache"
    assert microsoft.requests.count("token.refresh_token") == 0


async def test_a_short_lived_token_is_refreshed_each_time(
    client: Client, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.tokens.expires_in_s = 299
    await client.sign_in(alice)

    assert (await client.silent())["token_source"] == "identity_provider"
    assert microsoft.requests.count("token.refresh_token") == 1


async def test_clients_are_asked_to_refresh_early(
    client: Client, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.tokens.refresh_in_s = 1800

    assert (await client.sign_in(alice))["refresh_on"]


async def test_the_correlation_id_is_the_clients_own(
    client: Client, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    alice.refused_with = 53003
    refused = await client.sign_in(alice)

    asked = microsoft.requests.of("token.device_code")[-1]
    assert refused["correlation_id"] == asked.headers["client-request-id"]
    assert asked.person == alice.upn
    assert asked.tenant


class TestRefreshing:
    """What becomes of a kept sign-in."""

    @pytest.fixture(autouse=True)
    async def _signed_in(self, client: Client, alice: Person) -> None:
        await client.sign_in(alice)

    def kept(self, client: Client) -> str:
        (token,) = client.cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)
        return str(token["secret"])

    async def test_a_refresh_gives_a_new_refresh_token_and_the_old_one_stays_good(
        self, client: Client
    ) -> None:
        first = self.kept(client)
        assert "access_token" in await client.silent(refresh=True)
        assert self.kept(client) != first

        again = await client.call(
            lambda application: application.acquire_token_by_refresh_token(first, SCOPES)
        )

        assert "access_token" in again

    async def test_single_use_tokens_work_once(
        self, client: Client, microsoft: ScriptedMicrosoft
    ) -> None:
        microsoft.tokens.single_use = True
        first = self.kept(client)
        assert "access_token" in await client.silent(refresh=True)

        again = await client.call(
            lambda application: application.acquire_token_by_refresh_token(first, SCOPES)
        )

        assert again["error"] == "invalid_grant"

    @pytest.mark.parametrize("code", [50173, 70043, 700082])
    async def test_a_revoked_sign_in_ends_with_the_number_chosen(
        self, client: Client, microsoft: ScriptedMicrosoft, alice: Person, code: int
    ) -> None:
        microsoft.revoke(alice, code=code)
        refused = await client.silent(refresh=True)
        assert refused["error"] == "invalid_grant"
        assert refused["error_codes"] == [code]

        client.cache = msal.TokenCache()
        assert "access_token" in await client.sign_in(alice)

    async def test_an_unused_sign_in_ends_after_ninety_days(
        self, client: Client, clock: ManualClock
    ) -> None:
        await clock.advance(90 * 86_400)

        assert (await client.silent(refresh=True))["error_codes"] == [700082]

    async def test_a_policy_against_device_codes_ends_what_began_with_one(
        self, client: Client, tenant: Tenant, alice: Person
    ) -> None:
        tenant.device_code_blocked = True

        assert (await client.silent(refresh=True))["error_codes"] == [530036]
        assert (await client.sign_in(alice))["error_codes"] == [53003]

    async def test_who_left_is_refused(
        self, client: Client, microsoft: ScriptedMicrosoft, alice: Person
    ) -> None:
        microsoft.directory.remove_person(alice)

        assert (await client.silent(refresh=True))["error_codes"] == [70000]

    async def test_claims_are_passed_on_and_capabilities_make_a_token_continuous(
        self, client: Client, microsoft: ScriptedMicrosoft
    ) -> None:
        plain = await client.silent()
        client.capabilities = ["CP1"]

        challenged = await client.silent(claims_challenge='{"access_token":{"nbf":{}}}')

        access = microsoft.tokens.access
        assert not access(plain["access_token"]).continuous  # type: ignore[union-attr]
        assert access(challenged["access_token"]).continuous  # type: ignore[union-attr]
        assert b"nbf" in microsoft.requests.of("token.refresh_token")[-1].body


async def test_the_token_endpoint_refuses_what_it_does_not_understand(
    http: aiohttp.ClientSession, tenant: Tenant, app: App
) -> None:
    address = f"/{tenant.tenant_id}/oauth2/v2.0/token"
    device = "urn:ietf:params:oauth:grant-type:device_code"
    answers = []
    for form in (
        {"grant_type": "password"},
        {"grant_type": device},
        {"grant_type": "refresh_token", "refresh_token": "forged", "scope": "Presence.Read"},
    ):
        async with http.post(address, data=form | {"client_id": app.client_id}) as answer:
            answers.append((answer.status, (await answer.json())["error"]))

    assert answers == [
        (400, "unsupported_grant_type"),
        (400, "invalid_request"),
        (400, "invalid_grant"),
    ]
