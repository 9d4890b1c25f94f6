"""The ready dashboards: what they show is there, and the frontend complains of nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from playwright.async_api import Browser, expect

from tests.fakes.web_browser import chromium, needs_chromium
from tests.homeassistant.blueprints import SHIPPED
from tests.homeassistant.frontend import opened
from tests.homeassistant.household import Household

DASHBOARDS = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((SHIPPED / "dashboards").glob("*.yaml"))
}
KINDS = "sensor|binary_sensor|button|switch|light|event|select"
ENTITY = re.compile(rf"\b(?:{KINDS})\.[a-z0-9_]*[a-z0-9]\b(?!_)")
BROKEN = "hui-error-card, hui-warning, hui-error-badge, hui-warning-element"


def entities(config: Any) -> set[str]:
    """The entities that a dashboard names."""
    return set(ENTITY.findall(yaml.safe_dump(config))) - {"button.press"}


@pytest.mark.parametrize("name", DASHBOARDS)
async def test_a_dashboard_shows_what_is_there(home: Household, name: str) -> None:
    needs_chromium()
    assert entities(DASHBOARDS[name]) - home.hass.states.keys() == set()
    path = await home.dashboard(name, DASHBOARDS[name])
    async with chromium() as browser:
        await _is_shown(browser, home, path)


async def _is_shown(browser: Browser, home: Household, path: str) -> None:
    page = await opened(browser, home.hass.url, home.hass.token, path)
    await expect(page.get_by_text("Alice").first).to_be_visible()
    assert await page.locator(BROKEN).count() == 0
