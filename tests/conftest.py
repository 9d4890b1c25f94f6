"""What holds for all tests. Never knows what is tested."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

collect_ignore = ["homeassistant"]
"""``scripts/homeassistant`` runs these: they need a Home Assistant."""
WORKERS_A_CORE, MOST_WORKERS = 2, 16
"""Many tests wait: for a program to start, or a browser. Unit tests do not."""


def pytest_configure() -> None:
    """Start programs with the usual signals, also under ``nohup … &``, and go on ignoring them.

    An ignored signal is inherited by every program that a test starts, a handler by none.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    # a machine with much else to do is no fault of the code
    slow = HealthCheck.too_slow
    settings.register_profile("tests", deadline=None, suppress_health_check=(slow,))
    settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers ``scripts/test`` starts: for few tests, none."""
    if config.option.keyword or not all(Path(named).is_dir() for named in config.args):
        return 0
    units = all("unit" in Path(named).parts for named in config.args)
    return min((1 if units else WORKERS_A_CORE) * (os.cpu_count() or 1), MOST_WORKERS)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Make text of what tests print and log on purpose that is none, so that a worker can send it.

    Without this ``execnet`` fails at half a surrogate pair, and the worker ends.
    """
    return _as_text((yield))


def _as_text(data: Any) -> Any:
    match data:
        case str():
            return data.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: _as_text(value) for key, value in data.items()}
        case list() | tuple():
            return type(data)(map(_as_text, data))
    return data


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A program that runs within a test sets the log up for itself."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    """A real headless Chromium."""
    from tests.fakes.web_browser import chromium, needs_chromium  # noqa: PLC0415 - few tests need it

    needs_chromium()
    async with chromium() as browser:
        yield browser
