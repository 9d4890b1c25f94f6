"""The process of ``presence-bridge run``: signals, state folder, guided set-up, restarts."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import bridge
from bridge import __version__
from bridge.config import state_dir
from bridge.config.added_people import with_added
from bridge.config.command_line import FAILED, OK
from bridge.config.loader import load
from bridge.config.systemd import STOPPING, notify, reloading
from bridge.config.tables.config import Config
from bridge.config.tables.web import WebSettings
from bridge.config.time_zone import clock_of_hours, has_hours, with_zone_of_hours
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError
from bridge.contract.garbage_collection import loading
from bridge.service.composition import OpenPage
from bridge.service.guided_setup import guide, unfinished
from bridge.service.local_api import LocalApi
from bridge.service.service import Service
from bridge.service.signals import Signals

log = logging.getLogger(__name__)


def run(path: Path, environ: Mapping[str, str], *, set_up: bool, at_terminal: bool = False) -> int:
    """Run the service until a signal; the exit code says which one.

    Without a config that was filled in, the page asks for what is needed first, where ``set_up``
    allows it for one that is not there at all; ``at_terminal`` somebody may open it to the network.
    SIGHUP reads the config again.

    Raises:
        ConfigError: It is wrong, there is nobody to follow, or the state folder is in use.
    """
    web: WebSettings | None = None
    if at_terminal and (draft := unfinished(path, environ, set_up=set_up)):
        from bridge.commands.first_start import opened_to_phones  # noqa: PLC0415 - a first start's

        web = opened_to_phones(draft, path)
    signals = Signals()
    signals.start()
    while draft := unfinished(path, environ, set_up=set_up):
        if web:
            draft = draft.model_copy(update={"web": web})
        with state_dir.locked(draft.state_dir):
            stopped = asyncio.run(_guided(draft, path, signals, invited=web is not None))
        if stopped is not None:
            return stopped

    def read_config() -> Config:
        return with_zone_of_hours(with_added(load(path, environ)), environ)

    config = read_config()
    if not config.accounts and not config.web.enabled:
        raise ConfigError(["accounts: nobody to follow; add a table such as [accounts.me]"])
    if has_hours(config):
        log.info("%s", clock_of_hours(config, SystemClock().now()))
    with state_dir.locked(config.state_dir):
        service = _service(config, path, read_config, signals)
        code = asyncio.run(_serve(service, config, signals))
    if not service.restart_wanted:
        return code
    stopped = signals.end()
    if stopped is not None:
        return stopped
    log.info("restarting")
    return _start_anew()


def command_line(started_as: list[str], folder: Path) -> list[str]:
    """The command line that starts this program as it was started, for ``folder`` to work in.

    Nothing is imported from the working directory, unless the program itself lies there.
    """
    options = [] if Path(bridge.__file__).parents[1] == folder.resolve() else ["-P"]
    return [sys.executable, *options, *started_as[1:]]


def _start_anew() -> int:
    os.execv(sys.executable, command_line(sys.orig_argv, Path.cwd()))  # noqa: S606 - ourselves, with our own arguments


def _service(
    config: Config, path: Path, read_config: Callable[[], Config], signals: Signals
) -> Service:
    open_page: OpenPage | None = None
    if config.web.enabled:
        with loading():
            from bridge.service import page  # noqa: PLC0415 - not everybody needs it

        open_page = page.open_page
    service = Service(
        config,
        read_config=read_config,
        file=path,
        open_page=open_page,
        open_local_api=LocalApi,
        stopping=lambda: signals.leave_soon(said_goodbye=False, otherwise=partial(_leave, service)),
    )
    return service


def _leave(service: Service) -> None:
    """As the last resort, while something hangs."""
    if service.restart_wanted:
        _start_anew()


def _announced(stop: Callable[[], object]) -> Callable[[], None]:
    """``stop``, of which systemd hears first; not of a restart, which is one process for it."""

    def announced() -> None:
        notify(STOPPING)
        stop()

    return announced


async def _serve(service: Service, config: Config, signals: Signals) -> int:
    def reload() -> None:
        try:
            with reloading():
                service.reload()
        except ConfigError as error:
            text = "the old config goes on, the new one is wrong: %s"
            for problem in error.problems:
                log.error(text, problem)  # noqa: TRY400 - a person's mistake

    who = ", ".join(config.accounts) or "nobody yet: add somebody on the page, or in the config"
    log.info("presence-bridge %s follows %s", __version__, who)
    try:
        with signals.sent_to(_announced(service.stop), reload):
            await service.run()
    except ExceptionGroup:
        log.exception("internal error, ending; please report this")
        return FAILED
    finally:
        signals.leave_soon(said_goodbye=True, otherwise=partial(_leave, service))
    return OK if signals.code is None else signals.code


async def _guided(draft: Config, file: Path, signals: Signals, *, invited: bool) -> int | None:
    """Set up; the exit code of a signal, ``None`` when ``file`` is written."""
    from bridge.commands.first_start import invite  # noqa: PLC0415 - a first start's

    listening = partial(invite, draft.web) if invited else None
    setting_up = asyncio.create_task(guide(draft, file, listening=listening), name="set-up")
    with signals.sent_to(_announced(setting_up.cancel)):
        await asyncio.wait({setting_up})
    if not setting_up.cancelled():
        setting_up.result()
    return signals.code
