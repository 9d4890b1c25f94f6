"""Takes the pictures of docs/home-assistant.md, into the folder that is its argument."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from playwright.async_api import Browser, Page

from tests.fakes.web_browser import chromium
from tests.homeassistant.at_home import at_home
from tests.homeassistant.blueprints import SHIPPED, automation, by_blueprint
from tests.homeassistant.frontend import opened
from tests.homeassistant.household import SIGN_IN, Household

WEEK = {
    "sensor.teams_alice_calls_today": (95, 180, 45, 130, 160, 0, 0),
    "sensor.teams_alice_meetings_today": (60, 120, 90, 30, 60, 0, 0),
}
"""Minutes a day, the oldest first."""
DRAWN_MS = 3_000
"""The frontend says of no animation that it has ended."""


async def add_week(home: Household) -> None:
    """A week of minutes, as the recorder would have counted them."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for entity_id, days in WEEK.items():
        total, rows = 0, []
        for number, minutes in enumerate(days):
            start = midnight - timedelta(days=len(days) - number)
            for hour in (8, 10):
                total += minutes // 2
                at = start + timedelta(hours=hour)
                rows.append({"start": at.isoformat(), "state": total, "sum": total})
        await home.hass.command(
            "recorder/import_statistics",
            metadata={
                "has_mean": False,
                "mean_type": 0,
                "has_sum": True,
                "name": None,
                "source": "recorder",
                "statistic_id": entity_id,
                "unit_class": "duration",
                "unit_of_measurement": "min",
            },
            stats=rows,
        )


async def picture(page: Page, file: Path, **options: Any) -> None:
    """One picture, once all is drawn."""
    await page.wait_for_timeout(DRAWN_MS)
    await page.screenshot(path=file, **options)
    await page.context.close()


async def dashboards(browser: Browser, home: Household, folder: Path) -> None:
    """Both dashboards, in a call."""
    for name, size in (("person", (1000, 760)), ("team", (1000, 460))):
        config = yaml.safe_load((SHIPPED / f"dashboards/{name}.yaml").read_text(encoding="utf-8"))
        path = await home.dashboard(name, config)
        page = await visit(browser, home, path, size)
        await picture(page, folder / f"home-assistant-{name}.png")


async def visit(browser: Browser, home: Household, path: str, size: tuple[int, int]) -> Page:
    """A browser of that size at ``path``."""
    viewport = {"width": size[0], "height": size[1]}
    return await opened(browser, home.hass.url, home.hass.token, path, viewport=viewport)


async def device(browser: Browser, home: Household, folder: Path) -> None:
    """The device of a person who has to sign in, and the notification about it."""
    alarm = by_blueprint("sign_in_needed", people=[SIGN_IN], patience=0)
    async with automation(home, "alarm", **alarm):
        await home.be_thrown_out()
        if home.hass.states[SIGN_IN]["state"] != "device_code_pending":
            await home.hass.call("button.press", "button.teams_alice_signin")
        await home.hass.until_state(SIGN_IN, "device_code_pending")
        listed = await home.hass.command("config/device_registry/list")
        alice = next(one["id"] for one in listed if one["name"] == "Teams Alice")
        page = await visit(browser, home, f"/config/devices/device/{alice}", (1000, 1250))
        await picture(page, folder / "home-assistant-device.png")
        page = await visit(browser, home, "/config/dashboard", (420, 420))
        await page.evaluate(
            "document.querySelector('home-assistant').dispatchEvent("
            "new CustomEvent('hass-show-notifications', {bubbles: true, composed: true}))"
        )
        await picture(page, folder / "home-assistant-notification.png")
        await home.sign_in()


async def main(folder: Path) -> None:
    """All pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        async with at_home(Path(temporary)) as home, chromium() as browser:
            await add_week(home)
            await home.call()
            await dashboards(browser, home, folder)
            await device(browser, home, folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
