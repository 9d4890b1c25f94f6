"""One device that takes HTTP requests and gets no more than the templates say."""

from __future__ import annotations

import math
from functools import partial

from bridge.contract.clock import Clock
from bridge.contract.light import LightState
from drivers.base import Words
from drivers.http_calls import HttpCalls
from drivers.http_light.options import HttpOptions
from drivers.http_light.requests import request_for


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
        """Send the request for ``state``.

        Raises:
            LightUnreachableError: The device is away, busy, or in trouble.
            LightRefusedError: It refuses, or is another than the config says.
        """
        self._state = state
        await self._calls(partial(request_for, self._options, state, self._words))
        self._sent_s = self._clock.monotonic()

    def _note(self, words: Words) -> None:
        self._words = words

    async def _repeat(self) -> None:
        due = self._clock.monotonic() - self._sent_s >= self._options.repeat
        if due and self._state is not None:
            await self.apply(self._state)
