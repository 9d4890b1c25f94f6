"""What is sent on each connection, and in which order: welcome, online, then news and backlog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

from bridge.broker.outbox import Outbox, chunks
from bridge.broker.refused_topics import Refusals
from bridge.broker.session import PACKET_TOO_LARGE, Session
from bridge.broker.window import BYTES_MOST, WINDOW, Window
from bridge.contract.clock import Clock
from bridge.contract.supervised import Faults
from bridge.contract.wire import Message

RESEND_S = (1.0, 5.0, 30.0, 60.0)
"""Before a refused state is sent again; the last for ever."""
RESENT_MOST = 200
"""Rules that forbid thousands of topics are not tried with all of them."""
Messages = Callable[[], Iterable[Message]]


class Sender:
    """Sends what waits in ``outbox``, and what a broker without memory must get.

    ``acknowledged`` is called for each message that the broker has.
    """

    def __init__(
        self,
        outbox: Outbox,
        refusals: Refusals,
        *,
        welcome: Messages,
        backlog: Messages,
        acknowledged: Callable[[Message], None],
        clock: Clock,
    ) -> None:
        self._outbox, self._refusals, self._clock = outbox, refusals, clock
        self._welcome, self._backlog, self._acknowledged = welcome, backlog, acknowledged
        self._refused: dict[str, Message] = {}
        """The newest of each retained topic that the broker refused."""
        self._something_refused = asyncio.Event()
        self._window = Window()
        self._faults = Faults()

    async def greet(self, session: Session, online: Message) -> None:
        """Send the welcome, then ``online``; changes, and answers to requests, go between."""
        self._refused.clear()
        self._window.begin()
        for chunk in chunks(self._made(self._welcome), WINDOW):
            await self._send(session, [*self._outbox.take(WINDOW, beats=False), *chunk])
        await self._send(session, [*self._outbox.take(WINDOW, beats=False), online])
        self._outbox.release()

    async def run(self, session: Session) -> None:
        """Send what comes, and the backlog whenever there is nothing else, until cancelled."""
        backlog = self._made(self._backlog)
        while True:
            if messages := self._round(backlog, session.limits.receive_maximum):
                self._window.sending(len(messages))
                began_s = self._clock.monotonic()
                await self._send(session, messages)
                self._window.took(self._clock.monotonic() - began_s)
            else:
                await self._outbox.wait()

    def _round(self, backlog: Iterator[Message], most: int) -> list[Message]:
        """What is sent together; a change that comes later waits for no more than these."""
        messages: list[Message] = []
        size, weight = min(self._window.size, most), 0
        while len(messages) < size and (weight < BYTES_MOST or len(messages) < WINDOW):
            message = self._outbox.pop() or next(backlog, None)
            if message is None:
                break
            messages.append(message)
            weight += len(message.payload)
        return messages

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

    async def leave(self, session: Session, goodbye: Messages, offline: Message) -> None:
        """Send what is left, ``goodbye``, and ``offline``."""
        left = chain(self._outbox.take(len(self._outbox), beats=False), self._made(goodbye))
        for chunk in chunks(left, self._window.size):
            await self._send(session, chunk)
        await self._send(session, [offline])

    async def _send(self, session: Session, messages: list[Message]) -> None:
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
                with self._surviving_bugs():
                    self._acknowledged(message)

    def _made(self, messages: Messages) -> Iterator[Message]:
        """``messages``, up to a bug in making them."""
        with self._surviving_bugs():
            yield from messages()

    @contextmanager
    def _surviving_bugs(self) -> Iterator[None]:
        """A bug of others is logged once and does not end the connection."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - logged there
            self._faults.log(error, "what is published")
