"""Home Assistant's own frontend in a real Chromium, signed in."""

from __future__ import annotations

import json
import time
from typing import Any

from playwright.async_api import Browser, Page

YEAR_S = 31_536_000


async def opened(browser: Browser, url: str, token: str, path: str, **options: Any) -> Page:
    """The page at ``path``, once the frontend shows it."""
    context = await browser.new_context(**{"viewport": {"width": 1000, "height": 800}} | options)
    signed_in = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": YEAR_S,
        "hassUrl": url,
        "clientId": f"{url}/",
        "expires": (time.time() + YEAR_S) * 1000,
        "refresh_token": "",
    }
    for key, value in (("hassTokens", signed_in), ("dockedSidebar", "always_hidden")):
        stored = json.dumps(json.dumps(value))
        await context.add_init_script(f"localStorage.setItem({key!r}, {stored})")
    page = await context.new_page()
    await page.goto(url + path)
    await page.wait_for_selector("#ha-launch-screen", state="detached", timeout=60_000)
    return page
