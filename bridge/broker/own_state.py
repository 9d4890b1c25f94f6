"""Answers at once whoever puts something else on our state topic, such as a will that came late."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

from bridge.broker.session import Received
from bridge.contract.clock import Clock
from bridge.contract.topics import ONLINE

HEALED_MOST, HEAL_EVERY_S = 10, 1.0
"""So often in a row is answered at once who puts something else there; then slower."""


class OwnState:
    """What is heard on our own state topic; ``say_online`` answers while ``is_online``."""

    def __init__(
        self, is_online: Callable[[], bool], say_online: Callable[[], None], clock: Clock
    ) -> None:
        self._is_online, self._say_online, self._clock = is_online, say_online, clock
        self._contradicted = asyncio.Event()

    def receive(self, received: Received) -> None:
        """Take a message on our state topic."""
        if received.payload != ONLINE.encode() and self._is_online():
            self._contradicted.set()

    async def run(self) -> None:
        """Say at once that we are there, whatever somebody else has said, until cancelled."""
        healed_s: deque[float] = deque([-inf], maxlen=HEALED_MOST)
        while True:
            await self._contradicted.wait()
            self._contradicted.clear()
            self._say_online()
            healed_s.append(self._clock.monotonic())
            if healed_s[-1] - healed_s[0] < HEALED_MOST * HEAL_EVERY_S:
                await self._clock.sleep(HEAL_EVERY_S)
