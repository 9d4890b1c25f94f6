"""Where the parts of publishing send their messages, and whom these are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from bridge.broker import Broker
from bridge.contract.account import Followed
from bridge.contract.clock import Clock
from bridge.contract.retry import Random
from bridge.contract.topics import Topics
from bridge.contract.wire import Message

MANY = 1_000
"""With more people than that, each of them is sent less, and less often."""


class Outgoing:
    """What all of these parts share."""

    def __init__(self, broker: Broker, topics: Topics, clock: Clock, random: Random) -> None:
        self.broker, self.topics = broker, topics
        self.clock, self.random = clock, random
        self.followed: Mapping[str, Followed] = {}
        """Who is followed now; replaced, never changed."""
        self.sent: Callable[[Message], None] = lambda _: None
        """Hears of each message that goes to the broker."""

    def is_brief_about(self, followed: Followed) -> bool:
        """Whether no status in words and no minutes are sent: of thousands whom nobody displays."""
        return not followed.discover and len(self.followed) > MANY

    def send(self, *messages: Message, beat: bool = False) -> None:
        """Publish soon; a ``beat`` repeats what was sent before."""
        for message in messages:
            self.sent(message)
            self.broker.publish(message, beat=beat)

    def noted(self, messages: Iterable[Message]) -> Iterator[Message]:
        """``messages``, which the broker sends by itself."""
        for message in messages:
            self.sent(message)
            yield message
