"""Opens pages in a browser and collects what is wrong with them."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, Page, expect

_COMPLAINTS: dict[Page, list[str]] = {}


async def opened(where: Browser | BrowserContext, address: str, **options: Any) -> Page:
    """A page at ``address`` whose complaints are collected."""
    page = await where.new_page(**options)
    page.set_default_timeout(10_000)
    told = _COMPLAINTS.setdefault(page, [])
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    await page.goto(address)
    return page


def complaints(page: Page) -> list[str]:
    """What scripts, the network and the content policy said so far."""
    return _COMPLAINTS[page]


async def live(page: Page) -> None:
    """Wait until the page gets news."""
    await expect(page.locator("#live")).to_have_text("Live")


async def findings(page: Page) -> list[str]:
    """What axe finds wrong on the page as it is now, with every part opened."""
    await page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    results = await Axe().run(page)
    return [
        f"{found['id']}: {node['html']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]
