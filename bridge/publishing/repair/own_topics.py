"""Hears what stands on topics that are ours alone, to notice what others put there. Pure.

A broker that lost touch with its neighbours, or came back from an old copy, gives a state of
yesterday to lamps. Everything that we send comes back too, and must not be taken for foreign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from bridge.broker import Received
from bridge.contract.account import AccountFacts
from bridge.contract.errors import ContractError
from bridge.contract.wire import AccountState, Message, decode

ECHOES_MOST = 16
"""Own messages of a topic that may be on their way back."""
EPOCH_MOST = 2**53
"""No bridge counts further; what does is garbage."""


class Verdict(Enum):
    """Whose a message is."""

    OURS = auto()
    OVERTAKEN = auto()
    """It was stored before ours, which is on its way or still to come."""
    FOREIGN = auto()
    """It has to be answered with the truth."""


@dataclass
class _Topic:
    newest: bytes | None = None
    """What was sent last; ``None`` before anything was."""
    coming: deque[bytes] = field(default_factory=lambda: deque(maxlen=ECHOES_MOST))
    """What was sent and has not come back."""


class OwnTopics:
    """The topics that are listened to, and what was sent on each of them."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}

    def listen(self, topics: Iterable[str]) -> None:
        """Listen to exactly ``topics``."""
        self._topics = {topic: self._topics.get(topic) or _Topic() for topic in topics}

    def sent(self, message: Message) -> None:
        """Take note of a message that goes to the broker."""
        if known := self._topics.get(message.topic):
            known.newest = message.payload
            known.coming.append(message.payload)

    def judge(self, received: Received) -> Verdict:
        """What ``received`` is to us."""
        known = self._topics.get(received.topic)
        if known is None:
            return Verdict.OURS
        if received.payload in known.coming:
            while known.coming.popleft() != received.payload:
                pass
            return Verdict.OURS
        if received.payload == known.newest:
            return Verdict.OURS
        if received.retain and (known.coming or known.newest is None):
            return Verdict.OVERTAKEN
        return Verdict.FOREIGN


def newer_epoch(received: Received, ours: AccountFacts | None) -> int | None:
    """The epoch of a foreign state that readers would take for newer than ``ours``, if it is."""
    try:
        seen = decode(AccountState, received.payload)
    except ContractError:
        return None
    if seen.epoch is None or not 0 <= seen.epoch <= EPOCH_MOST:
        return None
    if ours is None or ours.epoch is None or seen.epoch != ours.epoch:
        is_newer = ours is None or seen.epoch > (ours.epoch or -1)
    elif seen.polled_at is None or seen.polled_at.tzinfo is None:
        is_newer = False
    else:
        is_newer = ours.polled_at is None or seen.polled_at > ours.polled_at
    return seen.epoch if is_newer else None
