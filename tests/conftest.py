"""What holds for all tests. Never knows what is tested."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.fakes.forks import Forks
    from tests.fakes.web_browser import Chromium

collect_ignore = ["homeassistant"]
"""``scripts/homeassistant`` runs these: they need a Home Assistant."""
HERE = Path(__file__).parent
ON_ONE_LOOP = (HERE / "e2e", HERE / "integration" / "web")
"""Their tests share a loop, and with it a browser, whose start takes longer than most of them."""
WORKERS_A_CORE, MOST_WORKERS = 4, 16
"""Many tests wait: for a program to start, or a browser. Unit tests do not."""
EXAMPLES = 50
"""Of each property; a run has other ones than the run before."""


def pytest_configure() -> None:
    """Start programs with the usual signals, also under ``nohup … &``, and go on ignoring them.

    An ignored signal is inherited by every program that a test starts, a handler by none.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    # a machine with much else to do is no fault of the code
    slow = HealthCheck.too_slow
    settings.register_profile(
        "tests", deadline=None, max_examples=EXAMPLES, suppress_health_check=(slow,)
    )
    settings.load_profile("tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; run on one loop what shares something that is bound to it."""
    items[:] = long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for item in items:
        if item.path.parent in ON_ONE_LOOP and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Let each worker begin with its share of what is marked as long.

    ``worksteal`` gives each the next part of the list, of the same length; a long test that began
    last would be waited for by one worker alone.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = iter([item for item in items if not item.get_closest_marker("long")])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        share = long[worker::workers]
        ordered += [*share, *islice(others, max(0, size - len(share)))]
    return [*ordered, *others]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Spare the garbage collector thousands of tests that stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


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


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Our programs, loaded."""
    from tests.fakes.forks import Forks  # noqa: PLC0415 - most tests start none

    with closing(Forks()) as loaded:
        yield loaded


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_chromium() -> AsyncIterator[Chromium]:
    from tests.fakes.web_browser import SHELL, driven, needs_chromium  # noqa: PLC0415 - as above

    needs_chromium()
    async with driven(SHELL) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def chrome(one_chromium: Chromium) -> AsyncIterator[Browser]:
    """A real headless Chromium, in which nobody has been yet; for tests of ``ON_ONE_LOOP``."""
    browser = await one_chromium.browser()
    yield browser
    for context in browser.contexts:
        await context.close()


@pytest.fixture(autouse=True)
def _nothing_goes_on(request: pytest.FixtureRequest) -> None:
    """Let no task of a test that shares its loop outlive the test."""
    if request.path.parent in ON_ONE_LOOP and request.node.get_closest_marker("asyncio"):
        if "chrome" in request.fixturenames:
            request.getfixturevalue("one_chromium")
        request.getfixturevalue("no_task_is_left")


@pytest_asyncio.fixture(loop_scope="session")
async def no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
