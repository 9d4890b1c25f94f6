"""``presence-bridge app``: the bridge and its lamps as the programs of Home Assistant's app."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from bridge.commands.programs import Around, Program, run_side_by_side
from bridge.config.command_line import OK
from bridge.config.supervisor import OPTIONS, TOKEN, AppOptions, is_app, options_of
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError

BRIDGE, LAMP = "bridge", "drivers"
"""The packages, which Python runs as ``presence-bridge`` and ``presence-driver``."""


def run(path: Path, environ: Mapping[str, str]) -> int:
    """Run the bridge and the lamps of the options until a signal; ``path`` is their config.

    Raises ``ConfigError`` where this is no app, or its options are wrong.
    """
    if not is_app(environ):
        raise ConfigError([f"{TOKEN} is not set: app is what Home Assistant starts; use run"])
    options = options_of(Path(environ.get("PRESENCE_STATE_DIR", "/data"), OPTIONS))
    logging.getLogger().setLevel(options.log_level.upper())
    asyncio.run(_until_signal(options, path, environ))
    return OK


def programs(options: AppOptions) -> tuple[Program, tuple[Program, ...]]:
    """The bridge, and what runs beside it: its lamps, and the pairing of some. Pure."""
    level = ("--log-level", options.log_level)
    bridge = Program("the bridge", _command(BRIDGE, "run", *level))
    lamps = [
        Program(f"lamp {name}", _command(LAMP, "run", name, *level), needs_config=True)
        for name in dict.fromkeys(options.lamps)
    ]
    pairings = [
        Program(f"pairing {name}", _command(LAMP, "pair", name), needs_config=True, once=True)
        for name in dict.fromkeys(options.pair)
    ]
    return bridge, (*lamps, *pairings)


def _command(package: str, *words: str) -> tuple[str, ...]:
    return sys.executable, "-P", "-m", package, *words


async def _until_signal(options: AppOptions, path: Path, environ: Mapping[str, str]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    given = {**environ, "PRESENCE_CONFIG": str(path)}  # not --config: the set-up may make the file

    async def start(program: Program) -> Process:
        return await asyncio.create_subprocess_exec(*program.command, env=given)

    bridge, beside = programs(options)
    around = Around(start, SystemClock(), random.random, path)
    await run_side_by_side(bridge, beside, around, stop)
