"""The ``command`` kind: a program of yours is run with each look, never through a shell."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import ConfigPath
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers.base import Kind, Light, Surroundings, Words
from drivers.blocking import Worker
from drivers.looks.template import NAMES, capability_of, check, fill, placeholders_of, values
from drivers.looks.words import WordSettings, called

VARIABLE = "LAMP_"
"""Begins the name of each variable: ``LAMP_HEX``."""
_OF_THE_DRIVER = ("PRESENCE_", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY")
"""Variables that the program does not get: among them may be our password."""
_OUR_STDERR = 2


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("has a character that no argument can have")
    return value


Argument = Annotated[str, AfterValidator(_no_nul), AfterValidator(check)]


class CommandOptions(WordSettings):
    """One program."""

    command: Annotated[tuple[Argument, ...], Field(min_length=1)]
    """The program and its arguments, which may have placeholders."""
    folder: ConfigPath | None = None
    """Where it runs; where the driver runs when not given."""
    timeout: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    """Seconds that one run may take; then it is killed."""
    pace: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    """Seconds between two runs at the least."""

    @model_validator(mode="after")
    def _names_a_program(self) -> Self:
        program = self.command[0]
        if not program or "{" in program:
            raise ValueError("command: the first word is the program itself, without placeholders")
        return self


class Program:
    """Runs one at a time on a thread of the light; ``kill`` comes from any other.

    What it started ends with it: whatever it left running could write an old look after a new one.
    """

    def __init__(self, folder: Path | None, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self._lock = threading.Lock()
        self._running: int | None = None
        self.turn = 0
        """The number of a new run; ``kill`` ends all that have one by then."""

    def run(self, turn: int, arguments: list[str], variables: Mapping[str, str]) -> None:
        """Run it to its end; raises as ``Light.apply`` does."""
        with self._lock:
            if turn != self.turn:
                return  # given up before it began
            process = self._started(arguments, variables)
            self._running = process.pid
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:  # its number is still its own
            self._kill()
            self._running = None
            code = process.wait()
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
            raise LightUnreachableError(f"{arguments[0]} {how}")

    def kill(self) -> None:
        """End it, with all that it has started; what has not begun never does."""
        with self._lock:
            self.turn += 1
            self._kill()

    def _kill(self) -> None:
        if self._running is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._running, signal.SIGKILL)

    def _started(
        self, arguments: list[str], variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        passed = {n: v for n, v in self._environ.items() if not n.startswith(_OF_THE_DRIVER)}
        try:
            return subprocess.Popen(  # noqa: S603 - what the config names, without a shell
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=_OUR_STDERR,
                cwd=self._folder,
                env={**passed, **variables},
                start_new_session=True,
            )
        except OSError as error:
            where = error.filename or arguments[0]
            raise LightRefusedError(
                f"{where} cannot be run: {error.strerror}.",
                remedy="Correct command, or make the file executable for the driver's user.",
            ) from error


class CommandLight:
    """A light behind a program."""

    def __init__(self, options: CommandOptions, worker: Worker, program: Program) -> None:
        self._options, self._worker, self._program = options, worker, program
        self._words = Words()

    def say(self, words: Words) -> None:
        """Hand ``words`` to the next run."""
        self._words = words

    async def apply(self, state: LightState) -> None:
        """Run the program with ``state``; it is killed when this is cancelled."""
        filled = values(state, called(self._words, self._options.words))
        filled = {name: value.replace("\0", "") for name, value in filled.items()}
        arguments = [_argument(template, filled) for template in self._options.command]
        variables = {f"{VARIABLE}{name.upper()}": filled[name] for name in NAMES}
        try:
            await self._worker(self._program.run, self._program.turn, arguments, variables)
        except asyncio.CancelledError:
            self._program.kill()
            raise


def _argument(template: str, filled: Mapping[str, str]) -> str:
    """``template`` filled; a word that comes first in it makes no option of it."""
    argument = fill(template, filled)
    return argument if template.startswith("-") else argument.lstrip("-")


@asynccontextmanager
async def _open(options: CommandOptions, around: Surroundings) -> AsyncIterator[Light]:
    program = Program(options.folder, os.environ)
    async with Worker(f"command-{around.name}") as worker:
        try:
            yield CommandLight(options, worker, program)
        finally:
            program.kill()


def tailored(options: CommandOptions) -> Kind[CommandOptions]:
    """The kind with the times of ``options``, and what its placeholders say the light can do."""
    has_placeholders = bool(placeholders_of(*options.command))
    capability = capability_of(*options.command) if has_placeholders else KIND.capability
    return replace(
        KIND,
        min_interval_s=options.pace,
        deadline_s=options.timeout,
        color_modes=frozenset({capability.value}),
    )


KIND = Kind(
    name="command",
    options=CommandOptions,
    open=_open,
    effects=frozenset(Effect),
    min_interval_s=0.5,
    tailored=tailored,
)
