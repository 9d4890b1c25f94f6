"""What is said on each session: welcome, online, backlog, and news between. Never connects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from bridge.broker.outbox import Outbox, chunks
from bridge.broker.refusals import Refusals
from bridge.broker.session import PACKET_TOO_LARGE, Session
from bridge.contract.clock import Clock
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

CHUNK = 20
"""Messages that are sent together; a change waits for no more than these."""
ROOM = 200
"""Who has thousands of messages keeps them while so many wait, and so the newest can go first."""
RESEND_S = (1.0, 5.0, 30.0, 60.0)
"""Before a refused state is sent again; the last for ever."""
RESENT_MOST = 200
"""Rules that forbid thousands of topics are not tried with all of them."""
Messages = Callable[[], Iterable[Message]]


@dataclass(frozen=True)
class Words:
    """What is said when; ``acknowledged`` is called for each message that the broker has."""

    welcome: Messages
    online: Message
    backlog: Messages
    goodbye: Messages
    offline: Message
    acknowledged: Callable[[Message], None]


class Publications:
    """The messages of one connection, and what became of them."""

    def __init__(self, words: Words, *, user: str, clock: Clock) -> None:
        self._words = words
        self._outbox = Outbox()
        self._refusals = Refusals("publish on", user=user, clock=clock)
        self._clock = clock
        self._refused: dict[str, Message] = {}
        """The newest of each retained topic that the broker refused."""
        self._something_refused = asyncio.Event()
        self._bugs: set[str] = set()

    def __len__(self) -> int:
        return len(self._outbox)

    @property
    def problems(self) -> Iterator[str]:
        """Which topics are refused, in words."""
        return self._refusals.problems

    def refuses(self, topic: str) -> bool:
        """Whether the broker takes nothing on ``topic``."""
        return topic in self._refusals

    def put(self, message: Message, *, beat: bool) -> None:
        """Let ``message`` wait for its turn."""
        self._outbox.put(message, beat=beat)

    @property
    def has_room(self) -> bool:
        """Whether so few messages wait that another one is soon sent."""
        return len(self._outbox) < ROOM

    async def room(self) -> None:
        """Wait for ``has_room``."""
        await self._outbox.room(ROOM)

    def begin(self) -> None:
        """A session begins, on which all is said anew."""
        self._outbox.begin()
        self._refused.clear()

    async def greet(self, session: Session) -> None:
        """Say welcome, then online; changes, and answers to what is asked meanwhile, go between."""
        for chunk in chunks(self._made(self._words.welcome), CHUNK):
            await self._publish(session, [*self._outbox.take(CHUNK, beats=False), *chunk])
        await self._publish(session, [*self._outbox.take(CHUNK, beats=False), self._words.online])
        self._outbox.release()

    async def keep(self, session: Session) -> None:
        """Send what comes, and the backlog whenever there is nothing else, until cancelled."""
        backlog = self._made(self._words.backlog)
        while True:
            urgent = self._outbox.take(CHUNK)
            messages = [*urgent, *islice(backlog, CHUNK - len(urgent))]
            if messages:
                await self._publish(session, messages)
            else:
                await self._outbox.wait()

    async def resend(self) -> None:
        """Let what is retained and was refused wait again, ever more rarely, until cancelled."""
        while True:
            self._something_refused.clear()
            await self._something_refused.wait()
            tries = 0
            while self._refused:
                await self._clock.sleep(RESEND_S[min(tries, len(RESEND_S) - 1)])
                tries += 1
                for message in self._refused.values():
                    self._outbox.put_unless_newer(message)

    async def say_goodbye(self, session: Session) -> None:
        """Say what is left, goodbye, and offline."""
        await self._publish(session, self._outbox.take(len(self._outbox), beats=False))
        for chunk in chunks(self._made(self._words.goodbye), CHUNK):
            await self._publish(session, chunk)
        await self._publish(session, [self._words.offline])

    async def _publish(self, session: Session, messages: list[Message]) -> None:
        for message in messages:
            self._refused.pop(message.topic, None)
        refused = await session.send(messages)
        for refusal in refused:
            self._refusals.refused(refusal.message.topic, refusal.code, refusal.reason)
            may_pass = refusal.message.retain and refusal.code != PACKET_TOO_LARGE
            if may_pass and len(self._refused) < RESENT_MOST:
                self._refused[refusal.message.topic] = refusal.message
                self._something_refused.set()
        unsent = {id(refusal.message) for refusal in refused}
        for message in messages:
            if id(message) not in unsent:
                self._refusals.accepted(message.topic)
                with self._no_fault_of_the_connection():
                    self._words.acknowledged(message)

    def _made(self, messages: Messages) -> Iterator[Message]:
        """``messages``, up to a bug in making them."""
        with self._no_fault_of_the_connection():
            yield from messages()

    @contextmanager
    def _no_fault_of_the_connection(self) -> Iterator[None]:
        """Told once as a bug, which the connection outlives."""
        try:
            yield
        except Exception as error:
            if (bug := type(error).__name__) not in self._bugs:
                self._bugs.add(bug)
                log.exception("internal error in what is published; please report this")
