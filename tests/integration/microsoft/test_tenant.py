"""Looking a tenant up, before anybody has signed in."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from bridge.config.tables.config import Config
from bridge.config.tables.tenant import SHARED
from bridge.contract.account import SignInState
from bridge.contract.errors import (
    ConfigError,
    PersonMustActError,
    SignInNeededError,
    SourceUnavailableError,
)
from bridge.demo.certificate import make_certificate
from bridge.microsoft import Microsoft
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.sign_in.remedies import YOU
from bridge.microsoft.sign_in.tenant import FoundTenant, look_up
from tests.fakes.authority import odd
from tests.fakes.clock import ManualClock
from tests.fakes.hasty_http import Hasty
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Cut, Fault, Nonsense
from tests.integration.microsoft.conftest import SHORT_S, Bridge, Start
from tests.integration.microsoft.office import Office


def renamed(config: Config, **changes: object) -> Config:
    """``config`` with other values in ``[microsoft]``."""
    microsoft = config.microsoft.model_dump() | changes
    return Config.model_validate(config.model_dump() | {"microsoft": microsoft})


async def find(config: Config, clock: ManualClock) -> FoundTenant:
    async with Microsoft(config, clock) as opened:
        return await opened.tenant_of("alice")


async def test_domain_guid_and_mail_address_lead_to_the_same_tenant(
    config: Config, clock: ManualClock, home: Household
) -> None:
    for name in (home.tenant.domain, home.tenant.tenant_id, "alice@contoso.com", "CONTOSO.com"):
        found = await find(renamed(config, tenant=name), clock)
        assert found == FoundTenant(home.tenant.tenant_id, seen_at=clock.now())


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


TRACE = " Trace ID: 1b2c Correlation ID: c-1 Timestamp: 2026-11-26 10:00:00Z"


def refusal(number: int, words: str, *, status: int = 400, error: str = "invalid_request") -> Fault:
    """Discovery answers as Entra does."""
    body = {
        "error": error,
        "error_description": f"AADSTS{number}: {words}{TRACE}",
        "error_codes": [number],
        "correlation_id": "c-1",
    }
    content = json.dumps(body).encode()
    return Fault("discovery", status=status, body=content, times=None)


REFUSALS = [
    (
        refusal(900023, "Specified tenant identifier 'x y' is neither a valid DNS name ..."),
        "The tenant does not exist, or lives in another cloud (AADSTS900023).",
    ),
    (
        refusal(90002, "Tenant 'x' not found.", error="invalid_tenant"),
        "The tenant does not exist, or lives in another cloud (AADSTS90002).",
    ),
    (
        refusal(987654, "The tenant\r\nis\x07 of a new kind."),
        "Microsoft's sign-in refuses the tenant (AADSTS987654: The tenant is of a new kind).",
    ),
    (
        refusal(50020, "Nobody like that is in it."),
        "Microsoft's sign-in refuses the tenant (AADSTS50020: Nobody like that is in it).",
    ),
    (
        refusal(987654, "word " * 99, error="invalid_grant", status=404),
        f"Microsoft's sign-in refuses the tenant (AADSTS987654: {('word ' * 32)[:159]}…).",
    ),
]
each_refusal = pytest.mark.parametrize(
    ("fault", "told"), REFUSALS, ids=["900023", "90002", "new", "of_a_person", "long"]
)


@each_refusal
async def test_whatever_number_refuses_the_tenant_somebody_must_look_at_it(
    config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, fault: Fault, told: str
) -> None:
    microsoft.faults.add(fault)
    with pytest.raises(PersonMustActError) as caught:
        await find(config, clock)
    assert str(caught.value) == f"{told} Check tenant and cloud in the config."


@each_refusal
async def test_a_refused_tenant_is_reported_by_the_sign_in_as_by_the_look_at_it(
    bridge: Bridge, caplog: pytest.LogCaptureFixture, fault: Fault, told: str
) -> None:
    bridge.simulated.faults.add(fault)
    bridge.account.credentials.request()
    shown = await bridge.until(SignInState.ERROR)
    assert (shown.message, shown.remedy, shown.who) == (
        told,
        "Check tenant and cloud in the config.",
        YOU,
    )
    assert caplog.text.count(told) == 1
    asked = len(bridge.simulated.requests)
    await bridge.clock.advance(3600)
    assert len(bridge.simulated.requests) == asked


@each_refusal
async def test_a_tenant_that_is_refused_after_a_sign_in_keeps_what_is_stored(
    start: Start, alice: Person, microsoft: ScriptedMicrosoft, fault: Fault, told: str
) -> None:
    microsoft.tokens.expires_in_s = SHORT_S
    async with start() as running:
        await running.sign_in(alice)
    microsoft.faults.add(fault)
    async with start() as again:
        for _ in range(2):
            with pytest.raises(SignInNeededError) as caught:
                await again.account.read()
            assert str(caught.value) == f"{told} Check tenant and cloud in the config."
        assert (await again.until(SignInState.ERROR)).message == told
    microsoft.faults.clear()
    async with start() as third:
        assert "alice" in await third.account.read()


@each_refusal
async def test_a_refused_tenant_is_reported_the_same_to_an_app(
    office: Office, fault: Fault, told: str
) -> None:
    office.simulated.faults.add(fault)
    async with office.open({"alice": {"sign_in": "app", "user": "alice@contoso.com"}}) as tables:
        with pytest.raises(SignInNeededError, match="Check tenant and cloud"):
            await tables["alice"].read()
        shown = tables["alice"].sign_in.value
        assert (shown.message, shown.who) == (told, YOU)


@pytest.mark.parametrize(
    "fault",
    [
        refusal(987654, "A bad moment.", status=503),
        refusal(987654, "A bad moment.", status=429),
        refusal(90033, "A bad moment."),
        Fault("discovery", status=403, body=b'{"error": "blocked by the firewall"}', times=None),
        Fault("discovery", status=404, body=b"<html>", content_type="text/html", times=None),
    ],
    ids=["503", "429", "known to pass", "firewall", "html"],
)
async def test_what_is_no_refusal_of_microsofts_passes(
    start: Start, clock: ManualClock, config: Config, microsoft: ScriptedMicrosoft, fault: Fault
) -> None:
    microsoft.faults.add(fault)
    with pytest.raises(SourceUnavailableError):
        await find(config, clock)
    async with start() as running:
        running.account.credentials.request()
        await running.clock.until_asleep()
        assert "It is tried again." in str(running.account.sign_in.value.message)
        microsoft.faults.clear()
        await running.clock.advance(5)
        await running.until_it_waits()


@pytest.mark.parametrize("name", [*sorted(SHARED), "Common", "alice@consumers"])
async def test_what_all_tenants_share_is_no_tenant_and_is_not_asked_for(
    config: Config, microsoft: ScriptedMicrosoft, name: str
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
async def test_trouble_is_reported_in_plain_words_and_passes(
    config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, fault: Fault, told: str
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
        ("", "no proxy", "the proxy's address is not like http://proxy:8080"),
    ],
)
async def test_what_cannot_be_reached_is_reported_in_plain_words_and_without_a_password(
    config: Config, clock: ManualClock, login_url: str, proxy: str, told: str
) -> None:
    network = config.network.model_copy(update={"proxy": proxy})
    away = renamed(config, login_url=login_url or config.microsoft.login_url)
    with pytest.raises(SourceUnavailableError, match=f" cannot be reached: {told}$") as caught:
        await find(away.model_copy(update={"network": network}), clock)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("socks5://bob:hunter2@127.0.0.1:1", "HTTPS_PROXY is a SOCKS proxy, and only HTTP"),
        ("http://bob:hunter2@127.0.0.1:1/proxy.pac", "HTTPS_PROXY is the address of a page or scr"),
        ("bob:hunter2@127.0.0.1:1", r"no connection to the proxy \(Connection refused\)"),
    ],
)
async def test_a_proxy_of_the_environment_is_understood_or_reported_without_its_password(
    config: Config, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, proxy: str, told: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SourceUnavailableError, match=f" cannot be reached: {told}") as caught:
        await find(config, clock)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required", r"the proxy refuses \(HTTP 407\)"),
        (b"SSH-2.0-OpenSSH_9.2p1", "what answered is not Microsoft's"),
    ],
)
async def test_a_proxy_that_refuses_or_is_none_is_reported_as_that(
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


async def test_what_speaks_no_tls_is_reported_as_that(config: Config, clock: ManualClock) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailableError, match=r"what answered speaks no TLS$"):
            await find(renamed(config, login_url=f"https://127.0.0.1:{port}"), clock)


async def test_a_certificate_that_is_not_trusted_is_reported_with_what_to_set(
    config: Config, clock: ManualClock
) -> None:
    network = config.network.model_copy(update={"ca_file": None})
    untrusting = config.model_copy(update={"network": network})
    with pytest.raises(
        SourceUnavailableError, match=r"not trusted; set ca_file in \[network\].*[(]"
    ):
        await find(untrusting, clock)


async def test_a_certificate_that_the_named_authorities_do_not_know_is_reported_with_the_reason(
    config: Config, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_certificate(tmp_path / "other").ca_file
    reason = r"\(unable to get local issuer certificate\)$"
    network = config.network.model_copy(update={"ca_file": other})
    told = f"not trusted; network.ca_file is set: its authority must be in {other} {reason}"
    with pytest.raises(SourceUnavailableError, match=told):
        await find(config.model_copy(update={"network": network}), clock)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    network = config.network.model_copy(update={"ca_file": None})
    told = f"not trusted; REQUESTS_CA_BUNDLE is set: its authority must be in {other} {reason}"
    with pytest.raises(SourceUnavailableError, match=told):
        await find(config.model_copy(update={"network": network}), clock)


@pytest.mark.parametrize(
    ("shows", "told"),
    [
        ({"name": "other.example"}, "of another name .Hostname mismatch, certificate is not valid"),
        ({"age_days": 31}, "by the clock of this machine .certificate has expired."),
        ({"age_days": -1}, "by the clock of this machine .certificate is not yet valid."),
    ],
)
async def test_a_certificate_of_another_name_or_time_is_reported_as_that(
    config: Config, clock: ManualClock, tmp_path: Path, shows: dict[str, Any], told: str
) -> None:
    shown = odd(tmp_path, **shows)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.chain_file, shown.key_file)
    network = config.network.model_copy(update={"ca_file": shown.ca_file})
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    ) as server:
        port = server.sockets[0].getsockname()[1]
        there = renamed(config, login_url=f"https://localhost:{port}")
        with pytest.raises(SourceUnavailableError, match=told):
            await find(there.model_copy(update={"network": network}), clock)


async def test_a_slow_answer_is_given_up(config: Config, microsoft: ScriptedMicrosoft) -> None:
    microsoft.faults.add(Fault("discovery", delay_s=3600))
    async with asyncio.timeout(5), aiohttp_client(config.network) as http:
        with pytest.raises(SourceUnavailableError, match="no answer in time"):
            await look_up(Hasty(http, 0.2), microsoft.login_url, "contoso.com")


async def test_a_server_without_a_clock_is_good_enough(
    config: Config, microsoft: ScriptedMicrosoft, home: Household
) -> None:
    microsoft.faults.add(Fault("discovery", headers={"Date": "long ago"}))
    async with aiohttp_client(config.network) as http:
        found = await look_up(http, microsoft.login_url, "contoso.com")
    assert found == FoundTenant(home.tenant.tenant_id, seen_at=None)


async def test_missing_values_are_reported_all_at_once_with_their_keys(
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
