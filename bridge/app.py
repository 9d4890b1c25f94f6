"""The process of ``presence-bridge run``: signals, the state folder, the guided set-up, restarts.

Never knows what the service does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge import __version__, state
from bridge.config import Config, load, with_added
from bridge.contract.errors import ConfigError
from bridge.guide import guide, unfinished
from bridge.service import Service, populated

log = logging.getLogger(__name__)

OK, INTERRUPTED = 0, 130


def run(path: Path, environ: Mapping[str, str]) -> int:
    """Run the service until a signal; the exit code says which one.

    Without a config that was filled in, the page asks for what is needed first. SIGHUP reads the
    config again.

    Raises:
        ConfigError: It is wrong, there is nobody to follow, or the state folder is in use.
    """
    while draft := unfinished(path, environ):
        with state.claimed(draft.state_dir):
            stopped = asyncio.run(_guided(draft, path))
        if stopped is not None:
            return stopped

    def read_config() -> Config:
        return with_added(load(path, environ))

    config = populated(read_config())
    with state.claimed(config.state_dir):
        service = _service(config, read_config)
        code = asyncio.run(_serve(service, config))
    if service.restart_wanted:
        log.info("starting anew")
        os.execv(sys.executable, [sys.executable, "-m", "bridge", *sys.argv[1:]])  # noqa: S606 - ourselves, with our own arguments
    return code


def _service(config: Config, read_config: Callable[[], Config]) -> Service:
    if not config.web.enabled:
        return Service(config, read_config=read_config)
    from bridge.page import open_page  # noqa: PLC0415 - two megabytes that not everybody needs

    return Service(config, read_config=read_config, open_page=open_page)


async def _serve(service: Service, config: Config) -> int:
    def reload() -> None:
        problems: list[str] = []
        try:
            service.reload()
        except ConfigError as error:
            problems = error.problems
        for problem in problems:
            log.error("the old config goes on, the new one is wrong: %s", problem)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    codes = _stopped_by_signals(service.stop)
    who = ", ".join(config.accounts) or "nobody yet: add somebody on the page, or in the config"
    log.info("presence-bridge %s follows %s", __version__, who)
    await service.run()
    return codes[0] if codes else OK


async def _guided(draft: Config, file: Path) -> int | None:
    """Set up; the exit code of a signal, ``None`` when ``file`` is written."""
    setting_up = asyncio.create_task(guide(draft, file), name="set-up")
    codes = _stopped_by_signals(setting_up.cancel)
    await asyncio.wait({setting_up})
    if not setting_up.cancelled():
        setting_up.result()
    return codes[0] if codes else None


def _stopped_by_signals(stop: Callable[[], object]) -> list[int]:
    """Call ``stop`` at the first signal and end at the second; gets the exit code of the first."""
    codes: list[int] = []

    def stopped(code: int) -> None:
        if codes:
            os._exit(INTERRUPTED)
        codes.append(code)
        log.info("stopping; once more to stop at once")
        stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped, OK)
    loop.add_signal_handler(signal.SIGINT, stopped, INTERRUPTED)
    return codes
