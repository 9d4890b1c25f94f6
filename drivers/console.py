"""The ``console`` kind: a lamp drawn in the terminal. The reference for all other kinds.

A line a change, so that it reads well beside a log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

from bridge.config.tables.base import Settings
from bridge.contract.clock import Clock
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers.base import Kind, Light, Surroundings

BLOCK = "██████"


class ConsoleLight:
    """A lamp made of characters."""

    def __init__(self, name: str, out: TextIO, clock: Clock, *, colored: bool) -> None:
        self._name, self._out, self._clock = name, out, clock
        self._colored = colored

    async def apply(self, state: LightState) -> None:
        """Draw ``state``."""
        line = f"{self._clock.now().astimezone():%H:%M:%S}  {self._name}  {self._lamp(state)}"
        try:
            self._out.write(f"{line}\n")
            self._out.flush()
        except OSError as error:
            raise LightUnreachableError(f"stdout takes nothing: {error.strerror}") from error

    def _lamp(self, state: LightState) -> str:
        red, green, blue = state.rgb
        words = f"#{red:02x}{green:02x}{blue:02x}" if state.on else "off"
        if state.on and state.effect is not Effect.SOLID:
            words += f" {state.effect} every {state.period_s:g} s"
        if not self._colored:
            return words
        return f"\x1b[38;2;{red};{green};{blue}m{BLOCK}\x1b[0m {words}"


@asynccontextmanager
async def _open(_options: Settings, around: Surroundings) -> AsyncIterator[Light]:
    colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    yield ConsoleLight(around.name, sys.stdout, around.clock, colored=colored)


KIND = Kind(
    name="console",
    options=Settings,
    open=_open,
    effects=frozenset(Effect),
    min_interval_s=0.02,
)
