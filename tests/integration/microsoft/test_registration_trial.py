"""Trying an app registration before anything is written: what is wrong with it is found at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.config.tables.accounts import MicrosoftSettings
from bridge.config.tables.config import NetworkSettings
from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.clouds import Cloud, cloud_of
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.http import Http
from bridge.microsoft.sign_in.registration_trial import try_registration
from bridge.microsoft.sign_in.remedies import OWNER, YOU, Explanation
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, guid
from tests.fakes.microsoft.faults import Cut, Fault, Nonsense

ELSE = guid("nobody's")


@pytest.fixture
async def client(microsoft: ScriptedMicrosoft) -> AsyncIterator[Http]:
    async with aiohttp_client(NetworkSettings(ca_file=microsoft.ca_file)) as opened:
        yield opened


@pytest.fixture
def cloud(microsoft: ScriptedMicrosoft) -> Cloud:
    return cloud_of(MicrosoftSettings(login_url=microsoft.login_url))


async def refused(client: Http, cloud: Cloud, tenant: str, client_id: str) -> Explanation:
    why = await try_registration(client, cloud=cloud, tenant=tenant, client_id=client_id)
    assert why is not None
    return why


@pytest.mark.parametrize("name", ["domain", "tenant_id", "mail"])
async def test_one_request_shows_that_tenant_and_app_belong_together(
    client: Http, cloud: Cloud, microsoft: ScriptedMicrosoft, home: Household, name: str
) -> None:
    tenant = "alice@contoso.com" if name == "mail" else str(getattr(home.tenant, name))
    client_id = home.app.client_id.upper()
    assert not await try_registration(client, cloud=cloud, tenant=tenant, client_id=client_id)
    assert [entry.endpoint for entry in microsoft.requests.of()] == ["devicecode"]


async def test_an_app_that_the_tenant_does_not_have_is_reported_with_what_to_copy(
    client: Http, cloud: Cloud, home: Household
) -> None:
    why = await refused(client, cloud, home.tenant.domain, ELSE)
    assert "AADSTS700016" in why.text
    assert why.who == OWNER
    assert "Application (client) ID" in why.remedy
    assert "not its Object ID" in why.remedy


async def test_a_tenant_that_nobody_has_is_reported_without_a_word_about_a_config(
    client: Http, cloud: Cloud, home: Household
) -> None:
    for name in ("nobody.example", ELSE):
        why = await refused(client, cloud, name, home.app.client_id)
        assert "AADSTS90002" in why.text
        assert "Directory (tenant) ID" in why.remedy
        assert "config" not in why.line("alice")
        assert why.who == YOU


async def test_swapped_ids_are_found_and_reported_with_their_places(
    client: Http, cloud: Cloud, home: Household
) -> None:
    tenant, app = home.tenant.tenant_id, home.app.client_id
    why = await refused(client, cloud, tenant=app, client_id=tenant)
    assert why.text == "The two ids stand in each other's place."
    assert why.remedy == f"Application (client) ID is {app}, Directory (tenant) ID is {tenant}."


@pytest.mark.parametrize("name", ["domain", "tenant_id"])
async def test_the_tenants_id_in_the_apps_place_is_found(
    client: Http, cloud: Cloud, home: Household, name: str
) -> None:
    why = await refused(client, cloud, str(getattr(home.tenant, name)), home.tenant.tenant_id)
    assert why.text == "That is the id of the tenant, not of the app."
    assert "just above" in why.remedy


@pytest.mark.parametrize(
    "fault",
    [
        Fault("devicecode", status=503),
        Fault("devicecode", aadsts=90033),
        Fault("devicecode", nonsense=Nonsense.HTML),
        Fault("devicecode", cut=Cut.BEFORE_HEADERS),
    ],
    ids=["503", "bad moment", "portal", "cut"],
)
async def test_a_bad_moment_condemns_no_registration(
    client: Http, cloud: Cloud, microsoft: ScriptedMicrosoft, home: Household, fault: Fault
) -> None:
    microsoft.faults.add(fault)
    with pytest.raises(SourceUnavailableError, match=microsoft.login_url):
        await try_registration(
            client, cloud=cloud, tenant=home.tenant.domain, client_id=home.app.client_id
        )
