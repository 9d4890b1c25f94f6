"""Which questions the doctor asks, and in which order."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from bridge.commands.remote_by_socket import OverSocket, on_this_machine
from bridge.config.added_people import with_added
from bridge.config.authorities import authorities
from bridge.config.command_line import FAILED, INTERRUPTED, OK
from bridge.config.loader import load
from bridge.config.tables.config import Config
from bridge.config.time_zone import with_zone_of_hours
from bridge.contract.errors import ConfigError, TryAgainError
from bridge.doctor.broker import broker
from bridge.doctor.files import open_secrets, service_runs, state_folder
from bridge.doctor.findings import Finding, Report, bad, good, show
from bridge.doctor.microsoft import PLACES, reach, read
from bridge.doctor.service import ask_by_the_broker, ask_on_this_machine, its_broker


def examine(
    path: Path, environ: Mapping[str, str], *, places: Sequence[Path | None] = PLACES
) -> int:
    """Print every finding; 0 when all is well, 1 when anything is not, 130 when interrupted.

    ``places`` are those where a private copy of what is stored may lie.
    """
    try:
        with _unlogged():
            config = with_zone_of_hours(with_added(load(path, environ)), environ)
    except ConfigError as error:
        for problem in error.problems:
            show(bad(f"config: {problem}"))
        return FAILED
    seen = set[Finding]()

    def report(finding: Finding) -> None:
        if finding not in seen:  # accounts share a tenant and a clock
            seen.add(finding)
            show(finding)

    report(good(f"config: {path}"))
    with _unlogged():
        try:
            asyncio.run(_examine(config, places, report))
        except asyncio.CancelledError:
            return INTERRUPTED
    return OK if all(finding.good for finding in seen) else FAILED


async def _examine(config: Config, places: Sequence[Path | None], report: Report) -> None:
    _end_at_signals()
    report(state_folder(config.state_dir))
    for finding in open_secrets(config):
        report(finding)
    async with AsyncExitStack() as stack:
        service: OverSocket | None = None
        try:
            service = await stack.enter_async_context(on_this_machine(config))
        except ConfigError:
            pass  # not ours: what is said of state_dir says so
        except TryAgainError as error:
            report(bad(str(error)))
            return
        if not service:
            await _without_socket(config, places, report)
            return
        # it is asked itself: we disturb neither its connection nor its token cache
        await its_broker(config, service, report)
        if _may_reach_microsoft(config, report):
            await reach(config, report)
        await ask_on_this_machine(config, service, report)


async def _without_socket(config: Config, places: Sequence[Path | None], report: Report) -> None:
    """Ask the broker; and Microsoft with a copy of what is stored, unless a service uses that."""
    findings, online = await broker(config)
    for finding in findings:
        report(finding)
    runs = service_runs(config.state_dir)
    if online and not runs:
        report(
            bad(
                "a bridge is online at this broker, and keeps its state elsewhere than in "
                "state_dir",
                "Ask as that one runs: as its user, with its config and its PRESENCE_STATE_DIR.",
            )
        )
    if not _may_reach_microsoft(config, report):
        return
    if runs or online:
        await reach(config, report)
        await ask_by_the_broker(config, report)
        return
    await read(config, places, report)


def _may_reach_microsoft(config: Config, report: Report) -> bool:
    """Whether there is anybody to ask for, and a way to trust who answers."""
    if not config.accounts:
        remedy = "Add a table [accounts.NAME] to the config, or a person on the page."
        report(bad("accounts: nobody to follow", remedy))
        return False
    try:
        authorities(config.network)
    except ConfigError as error:
        for problem in error.problems:
            report(bad(problem))
        return False
    return True


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
    """Without our own log, which says each fault a second time; debug keeps it."""
    log = logging.getLogger("bridge")
    before = log.level
    if log.getEffectiveLevel() > logging.DEBUG:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
