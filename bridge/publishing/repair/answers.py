"""Answers those who erase or overwrite our topics: slowly, when they do it often."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from bridge.contract.wire import Message
from bridge.publishing.outgoing import Outgoing

log = logging.getLogger(__name__)

MANY, WITHIN_S = 10, 900.0
"""So many answers in so long a time are no accident."""
SLOW_S = 60.0
"""Between two answers from then on; still within a beat."""


class Answers:
    """Topics that wait for an answer; ``truth`` is what should stand on one, if anything.

    They are answered ``after_s`` seconds later, and then not again for ``pause_s`` seconds.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        truth: Callable[[str], Message | None],
        *,
        said: str,
        after_s: float = 0.0,
        pause_s: float = 0.0,
    ) -> None:
        self._outgoing, self._truth, self._said = outgoing, truth, said
        self._after_s, self._pause_s = after_s, pause_s
        self._topics: dict[str, None] = {}
        self._heard = asyncio.Event()
        self._answered_s: deque[float] = deque(maxlen=MANY)
        self._warned = False

    def add(self, topic: str) -> None:
        """Answer on ``topic``."""
        self._topics[topic] = None
        self._heard.set()

    def drop(self, topic: str) -> None:
        """``topic`` is right again."""
        self._topics.pop(topic, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._heard.wait()
            if self._after_s:
                await self._outgoing.clock.sleep(self._after_s)
            self._heard.clear()
            topics, self._topics, answered = self._topics, {}, ""
            for topic in topics:
                if self._after_s:  # what is not urgent may be much
                    await self._outgoing.broker.room()
                if truth := self._truth(topic):
                    log.debug("%s %s", self._said, topic)
                    self._outgoing.send(truth)
                    answered = topic
            if answered:
                await self._outgoing.clock.sleep(self._pause_after(answered))

    def _pause_after(self, topic: str) -> float:
        """The seconds until the next answer."""
        now_s = self._outgoing.clock.monotonic()
        self._answered_s.append(now_s)
        if len(self._answered_s) < MANY or now_s - self._answered_s[0] > WITHIN_S:
            self._warned = False
            return self._pause_s
        if not self._warned:
            self._warned = True
            log.warning(
                "somebody else keeps writing on %s: look for a second bridge with base_topic %r, "
                "or another program; it is answered once a minute now",
                topic,
                self._outgoing.topics.base,
            )
        return SLOW_S - self._after_s
