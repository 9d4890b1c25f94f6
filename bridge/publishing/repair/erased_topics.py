"""Puts back what others erase or overwrite on topics that are sent again by nothing else.

Our own messages may come back here (MQTT 3.1.1 knows no "no local"): what is heard last counts,
and is compared byte by byte, since equal content is equal bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from bridge.broker import Broker, Received
from bridge.contract.clock import Clock
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.repair.answer_pace import AnswerPace

log = logging.getLogger(__name__)

AFTER_S = 10.0
"""Home Assistant deletes a device by erasing its discovery: it must be through with that."""


class ErasedTopics:
    """Listens to filters; ``truth`` is what should stand on a topic, ``None`` on foreign ones."""

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        *,
        truth: Callable[[str], Message | None],
        send: Callable[[Message], None],
        clock: Clock,
    ) -> None:
        self._broker, self._truth, self._send, self._clock = broker, truth, send, clock
        self._pace = AnswerPace(AFTER_S, base=topics.base, clock=clock)
        self._filters: frozenset[str] = frozenset()
        self._wrong: dict[str, None] = {}
        """Topics on which something else was heard last."""
        self._heard = asyncio.Event()

    def listen(self, filters: Iterable[str], *, anew: bool = False) -> None:
        """Listen to exactly ``filters``; ``anew`` where others have listened there meanwhile."""
        before, self._filters = self._filters, frozenset(filters)
        for topic_filter in sorted(before - self._filters):
            self._broker.unsubscribe(topic_filter)
        for topic_filter in sorted(self._filters if anew else self._filters - before):
            self._broker.subscribe(topic_filter, self.hear, optional=True)

    def hear(self, received: Received) -> None:
        """Take a message; stored ones do not count, since all is sent again on each connect."""
        if received.retain:
            return
        truth = self._truth(received.topic)
        if truth is None or received.payload == truth.payload:
            self._wrong.pop(received.topic, None)
        else:
            self._wrong[received.topic] = None
            self._heard.set()

    async def run(self) -> None:
        """Answer until cancelled."""
        pause_s = AFTER_S
        while True:
            await self._heard.wait()
            await self._clock.sleep(pause_s)
            self._heard.clear()
            topics, self._wrong, answered = self._wrong, {}, ""
            for topic in topics:
                await self._broker.room()
                if truth := self._truth(topic):
                    log.debug("put back what somebody else had taken from %s", topic)
                    self._send(truth)
                    answered = topic
            pause_s = self._pace.answered(answered) if answered else AFTER_S
