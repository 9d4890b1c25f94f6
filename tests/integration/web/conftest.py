"""A served page and a client of it, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import RunningPage, light, person, service, serving, waiting

PASSWORD = "correct horse"
HOUSEHOLD = Snapshot(
    service(),
    (person("alice", says="Back at three"), waiting("bob", added_here=True)),
    (light("desk"), light("door", mode="manual")),
    can_add=True,
)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return file


@pytest_asyncio.fixture(loop_scope="session")
async def home(tmp_path: Path) -> AsyncIterator[RunningPage]:
    """Alice in a call, Bob with a code, two lights; no password."""
    async with serving(tmp_path, HOUSEHOLD) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def browser(home: RunningPage) -> AsyncIterator[aiohttp.ClientSession]:
    """Keeps cookies as a browser does, also for an address; addresses are relative to the page."""
    async with client_of(home) as client:
        yield client


def client_of(page: RunningPage) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        page.address,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        headers={"Accept": "text/html"},
        timeout=aiohttp.ClientTimeout(total=20),
    )
