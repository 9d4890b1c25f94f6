"""A real headless Chromium for tests and pictures. Talks to nothing but this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Playwright, async_playwright, expect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
SHELL = shutil.which("chromium-headless-shell") or PROGRAM
"""The same engine without what stands around a page: a quarter of the work."""
SOON_MS = 30_000
"""What is waited for comes sooner, except on a machine with much else to do."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def needs_chromium() -> None:
    """Skip with a reason where there is no Chromium; fail where there must be one."""
    if SHELL is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: scripts/test installs it where it may")
        pytest.skip("chromium is not installed (apt-get install chromium)")


@dataclass
class Chromium:
    """One browser process for many tests, which is started again when it has crashed."""

    playwright: Playwright
    program: str | None = PROGRAM
    _browser: Browser | None = None

    async def browser(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            launch = self.playwright.chromium.launch
            self._browser = await launch(executable_path=self.program, args=list(FLAGS))
        return self._browser

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser process until the end of the block."""
    async with driven(PROGRAM) as started:
        yield await started.browser()


@asynccontextmanager
async def driven(program: str | None) -> AsyncIterator[Chromium]:
    """A browser that starts when it is first asked for, until the end of the block."""
    expect.set_options(timeout=SOON_MS)
    async with async_playwright() as playwright:
        started = Chromium(playwright, program)
        try:
            yield started
        finally:
            await started.close()
