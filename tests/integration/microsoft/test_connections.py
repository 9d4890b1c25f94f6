"""Connections to Microsoft: kept from one poll to the next, and what becomes of a request on one
that the server drops.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from bridge.config.tables.config import Config, PollingSettings
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.preferred import PreferredPresence
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.faults import Cut, Fault
from tests.integration.microsoft.conftest import started
from tests.integration.microsoft.office import BULK, Office

POLLS = 10


class Relay:
    """Stands before the simulated Microsoft and counts the connections to it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.connections = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Yields its own port."""
        async with asyncio.TaskGroup() as tasks:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                self.connections += 1
                there, back = await asyncio.open_connection("127.0.0.1", self._port)
                tasks.create_task(_pass_on(reader, back))
                tasks.create_task(_pass_on(there, writer))

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            yield server.sockets[0].getsockname()[1]
            server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, in its one place, by which aiohttp's connections are older: it takes no clock."""
    seconds = [0.0]
    monkeypatch.setattr("aiohttp.connector.monotonic", lambda: time.monotonic() + seconds[0])
    return seconds


async def test_polls_at_the_slowest_pace_need_one_connection(
    office: Office, ahead: list[float]
) -> None:
    relay = Relay(int(urlsplit(office.simulated.login_url).port or 0))
    settings = {"sign_in": "app", "people": [office.home.person.oid]}
    async with relay.open() as port:
        graph_url = f"https://localhost:{port}/v1.0"
        async with office.open({"office": settings}, microsoft={"graph_url": graph_url}) as tables:
            for _ in range(POLLS):
                assert len(await tables.shown("office")) == 1
                ahead[0] += PollingSettings().slowest
    assert office.count(BULK) == POLLS
    assert relay.connections == 1


async def test_a_dropped_connection_costs_no_read_of_many(office: Office) -> None:
    settings = {"sign_in": "app", "people": [office.home.person.oid]}
    async with office.open({"office": settings}) as tables:
        assert len(await tables.shown("office")) == 1
        office.simulated.faults.add(Fault(BULK, cut=Cut.BEFORE_HEADERS))
        assert len(await tables.shown("office")) == 1
    assert office.count(BULK) == 3


async def test_what_changes_something_is_sent_once(
    config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    settings = {"accounts": {"alice": {"set_presence": True}}}
    writing = Config.model_validate(config.model_dump() | settings)
    async with started(writing, clock, microsoft) as running:
        await running.sign_in(alice)
        writer = running.account.writer
        assert writer is not None
        await running.account.read()
        microsoft.faults.add(Fault("user.set_preferred", cut=Cut.BEFORE_HEADERS))
        with pytest.raises(SourceUnavailableError, match="the connection broke off"):
            await writer.prefer(PreferredPresence.BUSY, None)
    assert microsoft.requests.count("user.set_preferred") == 1
