"""The way of one process to the broker: a ``Connect`` without sockets, slow, silent or cut.

As over paho: every wait has a deadline, and a silent connection is noticed by its keepalive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bridge.broker.limits import fitting, narrower, too_large
from bridge.broker.session import (
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Received,
    Refusal,
    SubscriptionRefusedError,
)
from bridge.contract.retry import Random
from bridge.contract.wire import Message
from tests.world.broker import Link, MemoryBroker

DEADLINE_S = 10.0
KEEPALIVE_S = 30.0


class Way:
    """Between one process and the broker. ``dead`` says that the process was killed."""

    def __init__(self, broker: MemoryBroker, random: Random) -> None:
        self._broker, self._random = broker, random
        self._session: MemorySession | None = None
        self._unheard: list[MemorySession] = []  # ended here, and the broker does not know yet
        self._open = asyncio.Event()
        self._open.set()
        self.latency_s, self.each_s = 0.002, 0.0
        """One way, and for each message."""
        self.unreachable = False
        """Connections are refused at once."""
        self.dead = False

    @property
    def silent(self) -> bool:
        """Whether nothing gets through, either way."""
        return not self._open.is_set()

    @property
    def is_well(self) -> bool:
        """Whether a message sent now arrives soon."""
        return not (self.silent or self.unreachable) and self._broker.up

    @property
    def connected(self) -> bool:
        """Whether a session stands, as the process sees it."""
        return self._session is not None

    def silence(self) -> None:
        """Let nothing through; both ends notice it by their keepalive only."""
        if self._open.is_set():
            self._open.clear()
            if self._session:
                self._session.grows_silent(KEEPALIVE_S * (1 + self._random()))

    def speak(self) -> None:
        """Let everything through again: what stood still arrives late."""
        if self.silent:
            self._open.set()
            for session in (*self._unheard, *([self._session] if self._session else ())):
                session.speaks_again()
            self._unheard.clear()

    def cut(self) -> None:
        """Reset the connection: both ends notice at once."""
        if self._session:
            self._session.cut("the connection was reset")

    def kill(self) -> None:
        """The process is gone, and the kernel has closed its sockets."""
        self.dead = True
        self.cut()

    @asynccontextmanager
    async def connect(self, greeting: Greeting) -> AsyncIterator[MemorySession]:
        """A ``Connect``."""
        async with _deadline():
            await self.pass_()
        if self.dead or self.unreachable or not self._broker.up:
            raise ConnectionFailedError("Connection refused")
        accepted = self._broker.accept(greeting.client_id, greeting.version, greeting.will)
        if isinstance(accepted, int):
            raise ConnectionFailedError("the broker refuses", code=accepted)
        self._session = session = MemorySession(self, accepted, self._broker, greeting.known)
        try:
            async with _deadline():
                await self.pass_()
            session.check()
            yield session
        finally:
            session.close()
            self._session = None
            if self.silent:
                self._unheard.append(session)

    async def pass_(self, messages: int = 0) -> None:
        """Be on the way."""
        await asyncio.sleep(self.latency_s + messages * self.each_s)
        await self._open.wait()


class MemorySession:
    """A ``Session``."""

    def __init__(self, way: Way, link: Link, broker: MemoryBroker, known: Limits) -> None:
        self._way, self._link, self._broker = way, link, broker
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._arrived: deque[Received] = deque()
        self._something = asyncio.Event()
        self._arrives_s = 0.0
        self._sent_down: deque[Received] = deque()
        self._stood_still: list[Received] = []
        self._keepalive: list[asyncio.TimerHandle] = []
        announces = link.version is ProtocolVersion.V5
        self.limits = narrower(known, broker.nature.limits if announces else Limits())
        link.arrive = self._send_down
        link.ended = self._ended_by_broker

    async def send(self, messages: Sequence[Message]) -> list[Refusal]:
        """Publish in order. Whoever is cut off meanwhile does not know what got through."""
        refusals: list[Refusal] = []

        async def sent() -> None:
            await self._way.pass_()
            for message in messages:
                if self._way.each_s:
                    await self._way.pass_(1)
                await self._heard()
                if refusal := too_large(message, self.limits):
                    refusals.append(refusal)
                elif refusal := self._link.publish(fitting(message, self.limits)):
                    refusals.append(refusal._replace(message=message))
            await self._way.pass_()

        await self._unless_ended(sent())
        return refusals

    async def subscribe(self, topic_filter: str, *, commands: bool, own: bool = False) -> None:
        """Subscribe; what is stored arrives after the acknowledgement."""
        code: int | None = None

        async def subscribed() -> None:
            nonlocal code
            await self._way.pass_()
            await self._heard()
            code = self._link.subscribe(topic_filter, commands=commands, own=own)
            await self._way.pass_()

        await self._unless_ended(subscribed())
        if code is not None:
            raise SubscriptionRefusedError(topic_filter, code)

    async def unsubscribe(self, topic_filter: str) -> None:
        """Take a subscription back."""

        async def unsubscribed() -> None:
            await self._way.pass_()
            await self._heard()
            self._link.subscriptions.pop(topic_filter, None)
            await self._way.pass_()

        await self._unless_ended(unsubscribed())

    async def received(self) -> AsyncIterator[Received]:
        """Every message, until the end."""
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            self.check()
            self._something.clear()
            await self._something.wait()

    def drop(self) -> None:
        """End without DISCONNECT."""
        self.cut("dropped")

    def check(self) -> None:
        """Raise when the connection has ended."""
        if self._end.done():
            self._end.result()

    def close(self) -> None:
        """DISCONNECT, as far as it gets."""
        if not self._end.done() and not self._way.silent:
            self._broker.leave(self._link)
        self.cut("closed")

    def cut(self, text: str) -> None:
        """End it at once, on both sides."""
        self._fail(text)
        if not self._way.silent:
            self._broker.lose(self._link)

    def grows_silent(self, noticed_s: float) -> None:
        """From now on nothing gets through."""
        self._keepalive += [
            self._loop.call_later(noticed_s, self._fail, "no answer to the keepalive"),
            self._loop.call_later(1.5 * KEEPALIVE_S, self._broker.lose, self._link),
        ]

    def speaks_again(self) -> None:
        """What stood still goes on, unless an end has noticed."""
        for timer in self._keepalive:
            timer.cancel()
        self._keepalive.clear()
        if self._end.done():  # the client gave up: the broker hears of it now
            self._broker.lose(self._link)
        elif self._broker.link_of(self._link.client_id) is not self._link:
            self._fail("the connection was reset")  # the broker gave up
        for received in self._stood_still:
            self._arrived_now(received)
        self._stood_still.clear()

    async def _heard(self) -> None:
        """The broker hears what arrives, unless it has ended the connection meanwhile."""
        self.check()
        if self._broker.link_of(self._link.client_id) is not self._link:
            await asyncio.Event().wait()  # until the end of it arrives here

    def _fail(self, text: str, code: int | None = None) -> None:
        if not self._end.done():
            self._end.set_exception(ConnectionFailedError(text, code=code))
            self._end.exception()  # seen
            self._something.set()

    def _ended_by_broker(self, code: int | None) -> None:
        if not self._way.silent:
            self._loop.call_later(self._way.latency_s, self._fail, "the connection ended", code)

    def _send_down(self, received: Received) -> None:
        now_s = self._loop.time()
        self._arrives_s = max(now_s + self._way.latency_s, self._arrives_s + self._way.each_s)
        self._sent_down.append(received)
        self._loop.call_at(self._arrives_s, self._arrive)

    def _arrive(self) -> None:
        received = self._sent_down.popleft()  # timers of one moment come in any order
        if self._way.silent:
            self._stood_still.append(received)
        else:
            self._arrived_now(received)

    def _arrived_now(self, received: Received) -> None:
        if not self._end.done():
            self._arrived.append(received)
            self._something.set()

    async def _unless_ended(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait(
                {working, self._end}, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
            if not working.cancelled():
                working.exception()  # seen, also where we are cancelled ourselves
        if not working.cancelled():
            working.result()
        self.check()
        if working.cancelled():
            self._fail(f"no answer within {DEADLINE_S:.0f} s")
            self.check()


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield
    except TimeoutError:
        raise ConnectionFailedError(f"no answer within {DEADLINE_S:.0f} s") from None
