"""The proof that a broker delivers to us: what we publish ourselves comes back.

Brokers accept subscriptions of which they deliver nothing, and silence looks like peace. The bridge
and the lamps listen for their own state topic, commands for a topic of nobody else.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from itertools import count

from bridge.broker.session import Received, Session
from bridge.broker.visit import collect
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.topics import Topics
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

PROOF_S = 5.0
"""In which what we published must come back."""
ASK_AGAIN_S = 60.0
"""Between tries of who is deaf: access rules may be mended while the connection stands."""
NAMED_MOST = 4
_probes = count(1)


class ReceiveCheck:
    """Whether our own state topic comes back on the connection."""

    def __init__(self, state_topic: str, *, user: str, clock: Clock) -> None:
        self._state_topic, self._user, self._clock = state_topic, user, clock
        self._came_back = Latest(value=False)
        self._others = False
        self.problem = ""
        """What does not come and what to check, until it comes."""

    def begin(self) -> None:
        """A session begins, on which nothing has arrived yet."""
        self._came_back.set(False)
        self._others = False

    def receive(self, received: Received) -> None:
        """Something arrived; what was stored was not sent on this connection."""
        if received.topic != self._state_topic or received.retain:
            self._others = True
            return
        self._came_back.set(True)
        if self.problem:
            log.info("connected, and receives %s again", self._state_topic)
            self.problem = ""

    async def prove(
        self, publish: Callable[[], None], filters: Iterable[str], *, says_refusals: bool
    ) -> None:
        """Return when our own state has come back; log once when it does not.

        ``publish`` has it sent once more; ``filters`` are what should be heard. Unless the broker
        ``says_refusals``, as 3.1.1 has no code for them, it may have dropped it on the way up.
        """
        if await self._comes_back(PROOF_S):
            return
        if self._others:  # a flood before it may be slow, or have displaced it
            publish()
            if await self._comes_back(PROOF_S):
                return
        what, topics = "connected, but does not get its own messages", [self._state_topic]
        if not self._others:
            what, topics = "connected, but receives nothing", sorted(filters)
        named = ", ".join(topics[:NAMED_MOST]) + (", …" if len(topics) > NAMED_MOST else "")
        write = "" if says_refusals else f" and publish on {self._state_topic}"
        may = f"check that user {self._user} may read {named}{write} (the broker's rules)"
        if not self.problem:
            log.error("%s: %s", what, may)
        self.problem = f"{what}: {may}"
        while not await self._comes_back(ASK_AGAIN_S):
            publish()

    async def _comes_back(self, within_s: float) -> bool:
        came = self._came_back
        return came.value or await came.newer(came.version, within_s=within_s, clock=self._clock)


def probe_topic(topics: Topics) -> str:
    """A topic that nobody else uses."""
    return f"{topics.base}/bridge/probe/{os.getpid()}-{next(_probes)}"


async def comes_back(session: Session, topic: str, payload: bytes = b"probe") -> bool | None:
    """Whether what is sent on ``topic`` comes back; ``None`` if the broker does not take it.

    Raises:
        SubscriptionRefusedError: The broker does not let us listen there.
    """
    await session.subscribe(topic, commands=False)
    if await session.send([Message(topic, payload, retain=False)]):
        return None
    back = await collect(session, [topic], lambda heard: not heard.retain, PROOF_S)
    return any(not heard.retain for heard in back)
