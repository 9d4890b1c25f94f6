"""What a broker has stored, read up to a mark of ours that comes behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.broker import Received, Session, SubscriptionRefusedError, collect
from bridge.broker.receive_check import PROOF_S
from bridge.contract.wire import Message

UNMARKED_S = 2.0
"""So long is waited where the broker takes no mark."""
LATE_S = 0.5
"""Some brokers send what is stored on the last topic behind the mark."""
ROUNDS = 4
"""So often ``PROOF_S`` begins anew while there is still more."""


async def stored(
    session: Session, filters: Sequence[str], mark: str
) -> tuple[Mapping[str, bytes], bool | None]:
    """What is stored on ``filters`` by topic, and whether what we send on ``mark`` comes back.

    The last of ``filters`` is one topic, on which something is stored wherever a bridge has been.
    The second is ``None`` where the broker takes no mark of us.

    Raises:
        SubscriptionRefusedError: It does not let us read one of ``filters``.
    """
    for topic_filter in filters:
        await session.subscribe(topic_filter, commands=False)
    found: list[Received] = []
    if not await _marked(session, mark):
        found = await collect(session, filters, lambda _: False, UNMARKED_S)
        return _by_topic(found), None
    came_back = False

    def is_mark(received: Received) -> bool:
        return received.topic == mark

    for _ in range(ROUNDS):
        more = await collect(session, [*filters, mark], is_mark, PROOF_S)
        found += more
        came_back = bool(more) and is_mark(more[-1])
        if came_back or not more:
            break
    by_topic = _by_topic(found)
    last = filters[-1]
    if came_back and last not in by_topic:
        late = await collect(session, filters, lambda each: each.topic == last, LATE_S)
        by_topic |= _by_topic(late)
    by_topic.pop(mark, None)
    return by_topic, came_back


async def _marked(session: Session, mark: str) -> bool:
    """Send the mark, if the broker takes one."""
    try:
        await session.subscribe(mark, commands=False)
    except SubscriptionRefusedError:
        return False
    return not await session.send([Message(mark, b"mark", retain=False)])


def _by_topic(received: Sequence[Received]) -> dict[str, bytes]:
    return {message.topic: message.payload for message in received}
