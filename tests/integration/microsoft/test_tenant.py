"""Looking a tenant up, before anybody has signed in."""

from __future__ import annotations

import asyncio

import pytest

from bridge.config import Config
from bridge.contract.errors import ConfigError, PersonMustActError, SourceUnavailableError
from bridge.demo.directory import Household
from bridge.demo.microsoft import SimulatedMicrosoft
from bridge.demo.script import Cut, Fault, Nonsense
from bridge.microsoft import Microsoft
from bridge.microsoft.http import aiohttp_client
from bridge.microsoft.tenant import SHARED, Tenant, look_up
from tests.fakes.clock import ManualClock
from tests.fakes.hasty_http import Hasty


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
    async with aiohttp_client(config.network) as http:
        with pytest.raises(PersonMustActError, match="personal accounts have no presence"):
            await look_up(http, microsoft.login_url, name)
    assert len(microsoft.requests) == 0


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("discovery", status=503), r"fails \(HTTP 503\)"),
        (Fault("discovery", status=429), r"fails \(HTTP 429\)"),
        (Fault("discovery", aadsts=90033), r"fails \(HTTP 503\)"),
        (Fault("discovery", cut=Cut.BEFORE_HEADERS, times=2), "the connection broke off"),
        (Fault("discovery", cut=Cut.IN_BODY), "the connection broke off"),
        (
            Fault("discovery", status=407, body=b"<html>proxy</html>", content_type="text/html"),
            r"fails \(HTTP 407\)",
        ),
        (
            Fault("discovery", status=302, headers={"Location": "http://a b:x/"}),
            "what answered is not Mic.* sends us to another",
        ),
        (
            Fault("discovery", status=307, headers={"Location": "https://hotspot.example/in"}),
            r"what answered is not Mic.* sends us to another address \(hotspot.example\)",
        ),
        *((Fault("discovery", nonsense=kind), "what answered is not Mic") for kind in Nonsense),
    ],
    ids=lambda case: str(
        case.nonsense or case.cut or case.aadsts or case.status if isinstance(case, Fault) else ""
    ),
)
async def test_trouble_is_told_in_plain_words_and_passes(
    config: Config, clock: ManualClock, microsoft: SimulatedMicrosoft, fault: Fault, told: str
) -> None:
    microsoft.faults.add(fault)
    with pytest.raises(SourceUnavailableError, match=f"^{microsoft.login_url} .*{told}"):
        await find(config, clock)
    microsoft.faults.clear()
    assert await find(config, clock)


@pytest.mark.parametrize(
    ("login_url", "proxy", "told"),
    [
        ("https://login.invalid", "", r"name not found \(login\.invalid\)"),
        ("https://127.0.0.1:1", "", r"no connection \(Connection refused\)"),
        ("", "http://bob:hunter2@proxy.invalid:1", r"name not found \(proxy\.invalid\)"),
        (
            "",
            "http://bob:hunter2@127.0.0.1:1",
            r"no connection to the proxy \(Connection refused\)",
        ),
        ("", "bob:hunter2@127.0.0.1:1", "the proxy's address is not like http://proxy:8080"),
    ],
)
async def test_what_cannot_be_reached_is_told_in_plain_words_and_without_a_password(
    config: Config, clock: ManualClock, login_url: str, proxy: str, told: str
) -> None:
    network = config.network.model_copy(update={"proxy": proxy})
    away = renamed(config, login_url=login_url or config.microsoft.login_url)
    with pytest.raises(SourceUnavailableError, match=f" cannot be reached: {told}$") as caught:
        await find(away.model_copy(update={"network": network}), clock)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required", r"the proxy refuses \(HTTP 407\)"),
        (b"SSH-2.0-OpenSSH_9.2p1", "what answered is not Microsoft's"),
    ],
)
async def test_a_proxy_that_refuses_or_is_none_is_told_as_that(
    config: Config, clock: ManualClock, answer: bytes, told: str
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer + b"\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        network = config.network.model_copy(update={"proxy": f"http://127.0.0.1:{port}"})
        with pytest.raises(SourceUnavailableError, match=f" cannot be reached: {told}$"):
            await find(config.model_copy(update={"network": network}), clock)


async def test_what_speaks_no_tls_is_told_as_that(config: Config, clock: ManualClock) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailableError, match=r"what answered speaks no TLS$"):
            await find(renamed(config, login_url=f"https://127.0.0.1:{port}"), clock)


async def test_a_certificate_that_is_not_trusted_is_told_with_what_to_set(
    config: Config, clock: ManualClock
) -> None:
    network = config.network.model_copy(update={"ca_file": None})
    untrusting = config.model_copy(update={"network": network})
    with pytest.raises(SourceUnavailableError, match=r"not trusted; set ca_file in \[network\]"):
        await find(untrusting, clock)


async def test_a_slow_answer_is_given_up(config: Config, microsoft: SimulatedMicrosoft) -> None:
    microsoft.faults.add(Fault("discovery", delay_s=3600))
    async with asyncio.timeout(5), aiohttp_client(config.network) as http:
        with pytest.raises(SourceUnavailableError, match="no answer in time"):
            await look_up(Hasty(http, 0.2), microsoft.login_url, "contoso.com")


async def test_a_server_without_a_clock_is_good_enough(
    config: Config, microsoft: SimulatedMicrosoft, home: Household
) -> None:
    microsoft.faults.add(Fault("discovery", headers={"Date": "long ago"}))
    async with aiohttp_client(config.network) as http:
        found = await look_up(http, microsoft.login_url, "contoso.com")
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
