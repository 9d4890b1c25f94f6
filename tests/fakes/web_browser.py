"""A real headless Chromium for tests and pictures. Talks to nothing but this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright, expect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
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
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: scripts/test installs it where it may")
        pytest.skip("chromium is not installed (apt-get install chromium)")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser process until the end of the block."""
    expect.set_options(timeout=SOON_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
