"""What holds for all tests. Never knows what is tested."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser


def pytest_configure() -> None:
    """Start programs with the usual signals, also under ``nohup … &``, and go on ignoring them.

    An ignored signal is inherited by every program that a test starts, a handler by none.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    """A real headless Chromium."""
    from tests.fakes.web_browser import chromium, needs_chromium  # noqa: PLC0415 - few tests need it

    needs_chromium()
    async with chromium() as browser:
        yield browser
