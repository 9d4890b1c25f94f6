"""Puts back what others erase or overwrite on topics that are sent again by nothing else.

Our own messages may come back here (MQTT 3.1.1 knows no "no local"): what is heard last counts,
and is compared byte by byte, since equal content is equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.broker import Received
from bridge.contract.wire import Message
from bridge.publishing.outgoing import Outgoing
from bridge.publishing.repair.answers import Answers

AFTER_S = 10.0
"""Home Assistant deletes a device by erasing its discovery: it must be through with that."""


class ErasedTopics:
    """Listens to filters; ``truth`` is what should stand on a topic, ``None`` on foreign ones."""

    def __init__(self, outgoing: Outgoing, truth: Callable[[str], Message | None]) -> None:
        self._broker, self._truth = outgoing.broker, truth
        said = "put back what somebody else had taken from"
        self.answers = Answers(outgoing, truth, said=said, after_s=AFTER_S)
        self._filters: frozenset[str] = frozenset()

    def listen(self, filters: Iterable[str], *, anew: bool = False) -> None:
        """Listen to exactly ``filters``; ``anew`` where others have listened there meanwhile."""
        before, self._filters = self._filters, frozenset(filters)
        for topic_filter in sorted(before - self._filters):
            self._broker.unsubscribe(topic_filter)
        for topic_filter in sorted(self._filters if anew else self._filters - before):
            self._broker.subscribe(topic_filter, self.receive, optional=True)

    def receive(self, received: Received) -> None:
        """Take a message; stored ones do not count, since all is sent again on each connect."""
        if received.retain:
            return
        truth = self._truth(received.topic)
        if truth is None or received.payload == truth.payload:
            self.answers.drop(received.topic)
        else:
            self.answers.add(received.topic)
