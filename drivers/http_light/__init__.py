"""The ``http`` kind: any device or service that takes a request, written as a template."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from bridge.contract.clock import Clock
from bridge.contract.light import LightState
from drivers.base import Kind, Light, Surroundings, Words
from drivers.blocking import Worker
from drivers.http_light.options import HttpOptions
from drivers.http_light.requests import request_for
from drivers.looks.template import capability_of, effects_of
from drivers.network.http_calls import HttpCalls


class HttpLight:
    """Sends a request for each look; has ``say`` and ``refresh`` where its options ask for them."""

    def __init__(self, options: HttpOptions, calls: HttpCalls, clock: Clock) -> None:
        self._options, self._calls, self._clock = options, calls, clock
        self._state: LightState | None = None
        self._words, self._sent_s = Words(), -math.inf
        if options.is_sign:
            self.say = self._note
        if options.repeat:
            self.refresh = self._repeat

    async def apply(self, state: LightState) -> None:
        """Send the request for ``state``."""
        self._state = state
        await self._calls(partial(request_for, self._options, state, self._words))
        self._sent_s = self._clock.monotonic()

    def _note(self, words: Words) -> None:
        self._words = words

    async def _repeat(self) -> None:
        due = self._clock.monotonic() - self._sent_s >= self._options.repeat
        if due and self._state is not None:
            await self.apply(self._state)


@asynccontextmanager
async def _open(options: HttpOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"http-{around.name}") as worker:
        calls = HttpCalls(worker, timeout_s=options.timeout, ca_file=options.ca_file)
        yield HttpLight(options, calls, around.clock)


def tailored(options: HttpOptions) -> Kind[HttpOptions]:
    """The kind as the templates of ``options`` make it."""
    return replace(
        KIND,
        effects=effects_of(*options.templates),
        color_modes=frozenset({capability_of(*options.templates).value}),
        min_interval_s=options.pace,
        deadline_s=options.timeout,
    )


KIND = Kind(name="http", options=HttpOptions, open=_open, tailored=tailored, min_interval_s=0.5)
