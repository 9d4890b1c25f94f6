"""The page behind real proxies that compress and collect what passes, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bridge.contract.presence import Activity, Availability
from tests.fakes.web_page import person, serving
from tests.fakes.web_proxies import KINDS, needs_proxy, proxy
from tests.integration.web.browsing import complaints, live, opened
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD

LOADS = 8
"""More than Chromium has connections to one server: each load must give back that of its stream."""


@pytest.mark.parametrize("kind", KINDS)
async def test_below_a_path_the_page_opens_and_is_live_each_time_that_it_is_loaded(
    chrome: Browser, tmp_path: Path, password_file: Path, kind: str
) -> None:
    """The proxy is one that nobody trusts: it says nothing of whom it asks for."""
    needs_proxy(kind)
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as home,
        proxy(kind, tmp_path / "proxy", home.port, "/presence/") as address,
    ):
        page = await opened(chrome, address, ignore_https_errors=True)
        await page.fill("#password", PASSWORD)
        complaints(page).clear()  # Chromium tells of the 401
        await page.keyboard.press("Enter")
        await live(page)
        for _ in range(LOADS - 1):
            await page.reload()
            await live(page)
        home.show(person("alice", Availability.AVAILABLE, Activity.AVAILABLE), HOUSEHOLD.people[1])
        await expect(page.locator("#person-alice .state")).to_have_text("Available")
        assert complaints(page) == []
        await page.get_by_role("button", name="Lock this page").click()
        await expect(page.locator("#password")).to_be_visible()
