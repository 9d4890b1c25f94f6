"""Looking a tenant up, before anybody has signed in."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bridge.config import Config
from bridge.contract.errors import ConfigError, PersonMustActError, SourceUnavailableError
from bridge.demo.directory import Household
from bridge.demo.microsoft import SimulatedMicrosoft
from bridge.demo.script import Cut, Fault, Nonsense
from bridge.microsoft import Microsoft
from bridge.microsoft.http import graph_session
from bridge.microsoft.tenant import SHARED, Tenant, look_up
from tests.fakes.clock import ManualClock


def renamed(config: Config, **changes: object) -> Config:
    """``config`` with other values in ``[microsoft]``."""
    microsoft = config.microsoft.model_dump() | changes
    return Config.model_validate(config.model_dump() | {"microsoft": microsoft})


async def find(config: Config, clock: ManualClock) -> Tenant:
    async with Microsoft(config, clock) as opened:
        return await opened.tenant_of("alice")


async def test_domain_guid_and_mail_address_lead_to_the_same_tenant(
    config: Config, clock: ManualClock, home: Household
) -> None:
    for name in (home.tenant.domain, home.tenant.tenant_id, "alice@contoso.com", "CONTOSO.com"):
        found = await find(renamed(config, tenant=name), clock)
        assert found == Tenant(home.tenant.tenant_id, seen_at=clock.now())


async def test_a_tenant_of_an_account_wins(
    config: Config, clock: ManualClock, home: Household
) -> None:
    own = home.directory.add_tenant("fabrikam.com")
    accounts = {"alice": {"tenant": "fabrikam.com"}}
    changed = Config.model_validate(config.model_dump() | {"accounts": accounts})
    assert (await find(changed, clock)).tenant_id == own.tenant_id


async def test_an_unknown_tenant_is_a_persons_job(config: Config, clock: ManualClock) -> None:
    with pytest.raises(PersonMustActError, match="AADSTS90002") as caught:
        await find(renamed(config, tenant="nobody.example"), clock)
    assert caught.value.remedy == "Check tenant and cloud in the config."


@pytest.mark.parametrize("name", [*sorted(SHARED), "Common", "alice@consumers"])
async def test_what_all_tenants_share_is_no_tenant_and_is_not_asked_for(
    config: Config, microsoft: SimulatedMicrosoft, name: str
) -> None:
    async with graph_session(config.network) as session:
        with pytest.raises(PersonMustActError, match="personal accounts have no presence"):
            await look_up(session, microsoft.login_url, name, proxy=None)
    assert len(microsoft.requests) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault("discovery", status=503),
        Fault("discovery", status=429),
        Fault("discovery", aadsts=90033),
        Fault("discovery", cut=Cut.BEFORE_HEADERS, times=2),
        Fault("discovery", cut=Cut.IN_BODY),
        Fault("discovery", status=407, body=b"<html>proxy</html>", content_type="text/html"),
        *(Fault("discovery", nonsense=kind) for kind in Nonsense),
    ],
    ids=lambda fault: str(fault.nonsense or fault.cut or fault.aadsts or fault.status),
)
async def test_trouble_is_told_as_trouble_and_passes(
    config: Config, clock: ManualClock, microsoft: SimulatedMicrosoft, fault: Fault
) -> None:
    microsoft.faults.add(fault)
    with pytest.raises(SourceUnavailableError, match=microsoft.login_url):
        await find(config, clock)
    microsoft.faults.clear()
    assert await find(config, clock)


async def test_a_certificate_that_is_not_trusted_is_told_with_what_to_set(
    config: Config, clock: ManualClock
) -> None:
    network = config.network.model_copy(update={"ca_file": None})
    untrusting = config.model_copy(update={"network": network})
    with pytest.raises(SourceUnavailableError, match=r"not trusted; set ca_file in \[network\]"):
        await find(untrusting, clock)


async def test_a_slow_answer_is_given_up(config: Config, microsoft: SimulatedMicrosoft) -> None:
    microsoft.faults.add(Fault("discovery", delay_s=3600))
    async with asyncio.timeout(5), graph_session(config.network, deadline_s=0.2) as session:
        with pytest.raises(SourceUnavailableError, match="no answer in time"):
            await look_up(session, microsoft.login_url, "contoso.com", proxy=None)


async def test_a_server_without_a_clock_is_good_enough(
    http: aiohttp.ClientSession, microsoft: SimulatedMicrosoft, home: Household
) -> None:
    microsoft.faults.add(Fault("discovery", headers={"Date": "long ago"}))
    found = await look_up(http, microsoft.login_url, "contoso.com", proxy=None)
    assert found == Tenant(home.tenant.tenant_id, seen_at=None)


async def test_missing_values_are_told_all_at_once_with_their_keys(
    config: Config, clock: ManualClock
) -> None:
    with pytest.raises(ConfigError) as caught:
        await find(renamed(config, tenant=None, client_id=None), clock)
    assert caught.value.problems == [
        "microsoft.tenant: is missing; account alice needs it",
        "microsoft.client_id: is missing; account alice needs it",
    ]
    with pytest.raises(ConfigError, match="still the placeholder"):
        await find(renamed(config, client_id="00000000-0000-0000-0000-000000000000"), clock)
