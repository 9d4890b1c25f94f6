"""Takes the pictures of docs/home-assistant.md, into the folder that is its argument."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from playwright.async_api import Browser, FloatRect, Page

from tests.fakes.web_browser import chromium
from tests.homeassistant.at_home import at_home
from tests.homeassistant.blueprints import SHIPPED, automation, by_blueprint
from tests.homeassistant.frontend import opened
from tests.homeassistant.household import SIGN_IN, Household

WEEK = {
    "sensor.teams_alice_calls_today": (95, 180, 45, 130, 160, 0, 0),
    "sensor.teams_alice_meetings_today": (60, 120, 90, 30, 60, 0, 0),
    "sensor.teams_bob_calls_today": (40, 60, 110, 0, 75, 0, 0),
}
"""Minutes a day, the oldest first."""
CODE, MARGIN = "Sign-in code", 8
BESIDE = "display: flex; gap: 20px; align-items: flex-start; width: fit-content"
LEFT, RIGHT = (600, 2400), (390, 660)
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


async def picture(page: Page, file: Path | None, *parts: str) -> bytes:
    """One picture, once all is drawn: of the page, or what spans ``parts`` of it."""
    await page.wait_for_timeout(DRAWN_MS)
    boxes = [await page.locator(part).last.bounding_box() for part in parts]
    clip = _around([box for box in boxes if box]) if parts else None
    taken = await page.screenshot(path=file, clip=clip)
    await page.context.close()
    return taken


async def beside(browser: Browser, file: Path, *taken: bytes) -> None:
    """One picture of several, about as wide as README is shown."""
    images = "".join(
        f'<img src="data:image/png;base64,{b64encode(one).decode()}">' for one in taken
    )
    page = await browser.new_page(viewport={"width": 1010, "height": 900})
    await page.set_content(f'<div style="{BESIDE}">{images}</div>')
    await page.locator("div").screenshot(path=file)
    await page.close()


def _around(boxes: list[FloatRect]) -> FloatRect:
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right = max(box["x"] + box["width"] for box in boxes)
    bottom = max(box["y"] + box["height"] for box in boxes)
    return {
        "x": left - MARGIN,
        "y": top - MARGIN,
        "width": right - left + 2 * MARGIN,
        "height": bottom - top + 2 * MARGIN,
    }


async def dashboard(home: Household, name: str) -> str:
    """The path of one of our dashboards."""
    text = (SHIPPED / f"dashboards/{name}.yaml").read_text(encoding="utf-8")
    return await home.dashboard(name, yaml.safe_load(text))


async def device(home: Household, name: str) -> str:
    """The path of a device."""
    listed = await home.hass.command("config/device_registry/list")
    found = next(one["id"] for one in listed if one["name"] == name)
    return f"/config/devices/device/{found}"


async def visit(browser: Browser, home: Household, path: str, size: tuple[int, int]) -> Page:
    """A browser of that size at ``path``."""
    viewport = {"width": size[0], "height": size[1]}
    return await opened(browser, home.hass.url, home.hass.token, path, viewport=viewport)


async def in_a_call(browser: Browser, home: Household, folder: Path) -> None:
    """Both dashboards while Alice is in a call, and her device beside the bridge's own page."""
    await home.call()
    page = await visit(browser, home, await device(home, "Teams Alice"), LEFT)
    left = await picture(page, None, "ha-device-entities-card:has-text('In a call')")
    page = await browser.new_page(viewport={"width": RIGHT[0], "height": RIGHT[1]})
    await page.goto(home.page)
    await page.wait_for_selector("#live.on")
    await beside(browser, folder / "side-by-side.png", left, await picture(page, None))
    for name, size in (("person", (1000, 800)), ("team", (1000, 460))):
        page = await visit(browser, home, await dashboard(home, name), size)
        await picture(page, folder / f"home-assistant-{name}.png")


async def sign_in_needed(browser: Browser, home: Household, folder: Path) -> None:
    """A code that waits: on the dashboard, on the device, and as a notification."""
    alarm = by_blueprint("sign_in_needed", people=[SIGN_IN], patience=0)
    async with automation(home, "alarm", **alarm):
        await home.be_thrown_out()
        if home.hass.states[SIGN_IN]["state"] != "device_code_pending":
            await home.hass.call("button.press", "button.teams_alice_signin")
        await home.hass.until_state(SIGN_IN, "device_code_pending")
        page = await visit(browser, home, await dashboard(home, "person"), (800, 1200))
        section = "hui-grid-section:has-text('Sign in')"
        await picture(page, folder / "home-assistant-sign-in.png", section)
        page = await visit(browser, home, await device(home, "Teams Alice"), (1000, 2400))
        cards = [f"ha-device-entities-card:has-text({name!r})" for name in ("Cancel sign-in", CODE)]
        await picture(page, folder / "home-assistant-device.png", *cards)
        page = await visit(browser, home, "/config/dashboard", (800, 600))
        await page.evaluate(
            "document.querySelector('home-assistant').shadowRoot"
            ".querySelector('home-assistant-main')"
            ".dispatchEvent(new CustomEvent('hass-show-notifications'))"
        )
        note = "persistent-notification-item"
        await picture(page, folder / "home-assistant-notification.png", note)
        await home.sign_in()


async def main(folder: Path) -> None:
    """All pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        async with at_home(Path(temporary)) as home, chromium() as browser:
            await add_week(home)
            await in_a_call(browser, home, folder)
            await sign_in_needed(browser, home, folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
