"""``presence-bridge app``: keeps the bridge and its lamps running in Home Assistant's app.

Each is started anew with back-off, and all end in order. A program that refuses its config waits
until somebody has changed that: no restart mends it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.config.command_line import FAILED, OK, WRONG_USE
from bridge.config.supervisor import OPTIONS, TOKEN, AppOptions, is_app, options_of
from bridge.config.text_file import Stamp, stamp_of
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.deadline import within
from bridge.contract.errors import ConfigError
from bridge.contract.retry import Random, full_jitter

log = logging.getLogger(__name__)

BRIDGE, LAMP = "bridge", "drivers"
"""The packages, which Python runs as ``presence-bridge`` and ``presence-driver``."""
FIRST_S, MOST_S = 1.0, 60.0
"""Between the end of a program and its next start; doubled at each end that comes early."""
STEADY_S = 60.0
"""Who lived so long had started well: the next wait is a short one."""
LOOK_S = 2.0
"""Between two looks at a config that was refused."""
END_S = 11.0
"""From the signal to the end of a program; both of ours leave by themselves before."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep."""

    name: str
    command: tuple[str, ...]
    needs_config: bool = False
    """Not to be started before there is a config file."""
    once: bool = False
    """Its end is its end."""


Start = Callable[[Program], Awaitable[Process]]


@dataclass(frozen=True, slots=True)
class Around:
    """What every program is run with: how, by which clock, and on which config."""

    start: Start
    clock: Clock
    random: Random
    config: Path
    end_s: float = END_S


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


async def keep_running(program: Program, around: Around) -> None:
    """Run ``program`` for ever, or once; when cancelled it is ended in order."""
    early = 0
    if program.needs_config:
        await _wait_until_changed(around, None)
    if program.once:
        await _run_once(program, around)
        return
    while True:
        seen, began_s = stamp_of(around.config), around.clock.monotonic()
        code = await _run_once(program, around)
        if code == WRONG_USE:
            log.error(
                "%s refuses its config (see above); it starts when %s is changed",
                program.name,
                around.config,
            )
            await _wait_until_changed(around, seen)
            early = 0
            continue
        early = 0 if around.clock.monotonic() - began_s >= STEADY_S else early
        pause_s = full_jitter(early, first_s=FIRST_S, most_s=MOST_S, random=around.random)
        early += 1
        log.warning("%s ended with %d; restarting in %.1f s", program.name, code, pause_s)
        await around.clock.sleep(pause_s)


async def run_side_by_side(
    first: Program, others: Iterable[Program], around: Around, stop: asyncio.Event
) -> None:
    """Keep all of them until ``stop``; then the ``others`` end together, and ``first`` at last."""
    programs = (first, *others)
    keeping = [asyncio.create_task(keep_running(each, around), name=each.name) for each in programs]
    lasting = [task for task, each in zip(keeping, programs, strict=True) if not each.once]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        ended, _ = await asyncio.wait({stopping, *lasting}, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()  # a fault of ours is no reason to go on in silence
    finally:
        for tasks in ({stopping, *keeping[1:]}, {keeping[0]}):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _run_once(program: Program, around: Around) -> int:
    try:
        process = await around.start(program)
    except OSError as error:
        log.error("%s cannot be started: %s", program.name, error.strerror)  # noqa: TRY400 - the system's reason
        return FAILED
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await _end(program, process, around.end_s)


async def _end(program: Program, process: Process, end_s: float) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await within(end_s, process.wait())
    except TimeoutError:
        log.warning("%s does not stop: killing it", program.name)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _wait_until_changed(around: Around, seen: Stamp | None) -> None:
    while stamp_of(around.config) == seen:
        await around.clock.sleep(LOOK_S)
