"""The proof that we hear: what we say on our own state topic comes back. Never connects.

Brokers accept subscriptions of which they deliver nothing, and silence looks like peace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from bridge.broker.session import Received
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest

log = logging.getLogger(__name__)

PROOF_S = 5.0
"""In which our own word must come back."""
ASK_AGAIN_S = 60.0
"""Between tries of who is deaf: access rules may be mended while the connection stands."""
NAMED_MOST = 4


class Hearing:
    """What came back on one connection, and whether somebody was told that nothing did."""

    def __init__(
        self, state_topic: str, *, user: str, filters: Callable[[], Iterable[str]], clock: Clock
    ) -> None:
        self._state_topic, self._user = state_topic, user
        self._filters, self._clock = filters, clock
        self._own_words = Latest(0)
        self._others = False
        self.problem = ""
        """What cannot be heard and what to check, until it is heard."""

    def begin(self) -> None:
        """A session begins, on which nothing has been heard yet."""
        self._own_words.set(0)
        self._others = False

    def heard(self, received: Received) -> None:
        """Something arrived; what was stored is no word of this connection."""
        if received.topic != self._state_topic or received.retain:
            self._others = True
            return
        self._own_words.set(self._own_words.value + 1)
        if self.problem:
            log.info("connected, and hears %s again", self._state_topic)
            self.problem = ""

    async def prove(self, say_again: Callable[[], None], *, refusals_told: bool) -> None:
        """Return when our own word has come back; tell once when it does not.

        ``say_again`` has it sent once more. Unless ``refusals_told`` the broker may have dropped it
        on the way up, which 3.1.1 has no word for.
        """
        if await self._comes_back(PROOF_S):
            return
        if self._others:  # a flood before it may be slow, or have displaced it
            say_again()
            if await self._comes_back(PROOF_S):
                return
        self._tell(refusals_told=refusals_told)
        while not await self._comes_back(ASK_AGAIN_S):
            say_again()

    async def _comes_back(self, within_s: float) -> bool:
        own = self._own_words
        return own.value > 0 or await own.newer(own.version, within_s=within_s, clock=self._clock)

    def _tell(self, *, refusals_told: bool) -> None:
        if self._others:
            what = "connected, but does not hear its own word"
            topics = [self._state_topic]
        else:
            what, topics = "connected, but hears nothing", sorted(self._filters())
        named = ", ".join(topics[:NAMED_MOST]) + (", …" if len(topics) > NAMED_MOST else "")
        write = "" if refusals_told else f" and publish on {self._state_topic}"
        may = f"check that user {self._user} may read {named}{write} (the broker's rules)"
        problem = f"{what}: {may}"
        if not self.problem:
            log.error("%s", problem)
        self.problem = problem
