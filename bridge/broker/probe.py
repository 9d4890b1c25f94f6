"""Whether the broker lets us hear: silence does not tell it. Never stores anything there."""

from __future__ import annotations

import os
from itertools import count

from bridge.broker import Session, collect
from bridge.contract.topics import Topics
from bridge.contract.wire import Message

HEARD_S = 5.0
"""For what we sent to come back."""
_probes = count(1)


def probe_topic(topics: Topics) -> str:
    """A topic of nobody else."""
    return f"{topics.base}/bridge/probe/{os.getpid()}-{next(_probes)}"


async def hears(session: Session, topic: str, payload: bytes = b"probe") -> bool | None:
    """Whether what is sent on ``topic`` comes back; ``None`` if the broker does not take it.

    Raises:
        SubscriptionRefusedError: The broker does not let us listen there.
    """
    await session.subscribe(topic, commands=False)
    if await session.send([Message(topic, payload, retain=False)]):
        return None
    back = await collect(session, [topic], lambda heard: not heard.retain, HEARD_S)
    return any(not heard.retain for heard in back)
