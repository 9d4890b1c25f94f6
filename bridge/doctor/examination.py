"""Which questions the doctor asks, and in which order. Never changes anything."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from bridge.commands.remote_by_socket import OverSocket, on_this_machine
from bridge.config.added_people import with_added
from bridge.config.authorities import authorities
from bridge.config.loader import load
from bridge.config.models import Config
from bridge.config.zone import with_zone_of_hours
from bridge.contract.errors import ConfigError, PersonMustActError, TryAgainError
from bridge.doctor.broker import broker
from bridge.doctor.cures import told
from bridge.doctor.files import open_secrets, service_runs, state_folder
from bridge.doctor.findings import Finding, bad, good, show
from bridge.doctor.microsoft import reach, read
from bridge.doctor.private_copy import PLACES, private_copy
from bridge.doctor.service import at_the_broker, told_by_the_service, told_on_this_machine

OK, FOUND, INTERRUPTED = 0, 1, 130


def examine(
    path: Path, environ: Mapping[str, str], *, places: Sequence[Path | None] = PLACES
) -> int:
    """Print every finding; 0 when all is well, 1 when anything is not, 130 when told to stop.

    ``places`` are those where a private copy of what is stored may lie.
    """
    try:
        config = with_zone_of_hours(with_added(load(path, environ)), environ)
    except ConfigError as error:
        for problem in error.problems:
            show(bad(f"config: {problem}"))
        return FOUND
    with _unlogged():
        try:
            return asyncio.run(_examine(config, path, places))
        except asyncio.CancelledError:
            return INTERRUPTED


async def _examine(config: Config, path: Path, places: Sequence[Path | None]) -> int:
    _end_at_signals()
    seen = set[Finding]()
    show(good(f"config: {path}"))
    async for finding in _findings(config, places):
        if finding not in seen:  # accounts share a tenant and a clock
            seen.add(finding)
            show(finding)
    return OK if all(finding.good for finding in seen) else FOUND


async def _findings(config: Config, places: Sequence[Path | None]) -> AsyncIterator[Finding]:
    yield state_folder(config.state_dir)
    for finding in open_secrets(config):
        yield finding
    async with AsyncExitStack() as stack:
        service: OverSocket | None = None
        try:
            service = await stack.enter_async_context(on_this_machine(config))
        except ConfigError:
            pass  # not ours: what is told of state_dir says so
        except TryAgainError as error:
            yield bad(str(error))
            return
        asking = _beside(config, service) if service else _unserved(config, places)
        async for finding in asking:
            yield finding


async def _beside(config: Config, service: OverSocket) -> AsyncIterator[Finding]:
    """Ask the service on this machine: we disturb neither its connection nor its token cache."""
    async for finding in at_the_broker(config, service):
        yield finding
    faults = list(_hindrances(config))
    for finding in faults:
        yield finding
    if not faults:
        async for finding in reach(config):
            yield finding
    async for finding in told_on_this_machine(config, service):
        yield finding


async def _unserved(config: Config, places: Sequence[Path | None]) -> AsyncIterator[Finding]:
    """Ask the broker; a service that is there is not asked otherwise."""
    findings, online = await broker(config)
    for finding in findings:
        yield finding
    runs = service_runs(config.state_dir)
    if online and not runs:
        yield bad(
            "a bridge is online at this broker, and keeps its state elsewhere than in state_dir",
            "Ask as that one runs: as its user, with its config and its PRESENCE_STATE_DIR.",
        )
    faults = list(_hindrances(config))
    for finding in faults:
        yield finding
    if faults:
        return
    asking = _by_the_broker(config) if runs or online else _alone(config, places)
    async for finding in asking:
        yield finding


def _hindrances(config: Config) -> Iterator[Finding]:
    """What keeps us from asking Microsoft at all."""
    if not config.accounts:
        remedy = "Add a table [accounts.NAME] to the config, or a person on the page."
        yield bad("accounts: nobody to follow", remedy)
        return
    try:
        authorities(config.network)
    except ConfigError as error:
        for problem in error.problems:
            yield bad(problem)


async def _by_the_broker(config: Config) -> AsyncIterator[Finding]:
    """Ask the broker: a second reader of the token cache would disturb the running service."""
    async for finding in reach(config):
        yield finding
    async for finding in told_by_the_service(config):
        yield finding


async def _alone(config: Config, places: Sequence[Path | None]) -> AsyncIterator[Finding]:
    """Ask Microsoft, with a copy of what is stored."""
    try:
        with private_copy(config, places) as copied:
            async for finding in read(config, copied):
                yield finding
    except PersonMustActError as error:
        yield bad(told(error), error.remedy)


def _end_at_signals() -> None:
    """Let SIGTERM and SIGHUP end us as Ctrl+C does: nothing that was copied is left behind."""
    task = asyncio.current_task()
    assert task is not None
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Without our own log, which tells each fault a second time; debug keeps it."""
    log = logging.getLogger("bridge")
    before = log.level
    if log.getEffectiveLevel() > logging.DEBUG:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
