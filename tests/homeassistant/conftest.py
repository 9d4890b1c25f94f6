"""One real Home Assistant for all tests of this folder, and what each test must leave behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.homeassistant.at_home import at_home
from tests.homeassistant.household import Household
from tests.homeassistant.server import installed

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share one event loop, and with it one Home Assistant."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Household]:
    """Everything that there is, once for all tests."""
    installed()
    async with at_home(tmp_path_factory.mktemp("home")) as built:
        yield built


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def clean(home: Household) -> AsyncIterator[None]:
    """Home Assistant warns of nothing that we gave it, and wants nothing repaired."""
    await home.put_right()
    before = home.server.log_file.stat().st_size
    yield
    assert not home.server.loud(before)
    issues = (await home.hass.command("repairs/list_issues"))["issues"]
    ours = [one for one in issues if one["domain"] in ("mqtt", "automation", "template")]
    assert not ours, ours
