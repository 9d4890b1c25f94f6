"""A simulated Microsoft for every test that asks for one."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import requests

from bridge.demo.certificate import ServerCertificate, make_certificate
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person, Tenant, household
from tests.integration.graph_reader import Reader


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return make_certificate(Path(tmp_path_factory.mktemp("certificate")))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def home(clock: ManualClock) -> Household:
    """contoso.com with one app and one person, alice@contoso.com, who is available."""
    return household(clock)


@pytest.fixture
async def microsoft(
    certificate: ServerCertificate, clock: ManualClock, home: Household
) -> AsyncIterator[ScriptedMicrosoft]:
    """Runs on a free port of 127.0.0.1; its time is ``clock``."""
    async with ScriptedMicrosoft(home.directory, certificate, clock=clock) as running:
        running.behaviour.checks_assertion_times = False  # msal stamps them with the machine's time
        yield running


@pytest.fixture
def tenant(home: Household) -> Tenant:
    return home.tenant


@pytest.fixture
def app(home: Household) -> App:
    return home.app


@pytest.fixture
def alice(home: Household) -> Person:
    return home.person


@pytest.fixture
def msal_session(microsoft: ScriptedMicrosoft) -> Iterator[requests.Session]:
    """What msal talks through: as the product does, without the environment's proxies and CAs."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(microsoft.ca_file)
        yield session


@pytest.fixture
async def http(microsoft: ScriptedMicrosoft) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of all that the simulator serves; addresses are relative to its root."""
    context = ssl.create_default_context(cafile=str(microsoft.ca_file))
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(microsoft.login_url, connector=connector) as session:
        yield session


@pytest.fixture
def reader(
    http: aiohttp.ClientSession, microsoft: ScriptedMicrosoft, app: App, alice: Person
) -> Reader:
    """Asks Graph as Alice, who may read her own presence and profile."""
    reader = Reader(http, microsoft, app)
    reader.hold("Presence.Read", "User.Read", person=alice)
    return reader
