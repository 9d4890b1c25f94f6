"""Subscriptions that come back with each session, and their handlers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from paho.mqtt.client import topic_matches_sub

from bridge.broker.refused_topics import Refusals
from bridge.broker.session import LARGEST_PAYLOAD, Received, Session, SubscriptionRefusedError
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.supervised import Faults

log = logging.getLogger(__name__)

RETRY_S = (1.0, 5.0, 30.0, 300.0)
"""After a refused subscription, as a cluster refuses while it settles; the last one for ever."""
Handler = Callable[[Received], None]


@dataclass(eq=False)
class _Wanted:
    handler: Handler
    commands: bool
    optional: bool
    refused: int = 0
    due_s: float = -inf
    """When it is asked for on this session; never again where it was granted."""


class Subscriptions:
    """The topic filters of one connection with their handlers."""

    def __init__(self, refusals: Refusals, clock: Clock) -> None:
        self._refusals, self._clock = refusals, clock
        self._wanted: Latest[dict[str, _Wanted]] = Latest({})
        self._patterns: tuple[str, ...] = ()
        """Those with wildcards; the others are found by the topic itself."""
        self._asked: dict[str, _Wanted] = {}
        """What this session was asked for."""
        self._complete = asyncio.Event()
        self._faults = Faults()
        self._too_long = False

    @property
    def filters(self) -> Iterator[str]:
        """All but the optional ones."""
        return (topic for topic, wanted in self._wanted.value.items() if not wanted.optional)

    def add(
        self, topic_filter: str, handler: Handler, *, commands: bool = False, optional: bool = False
    ) -> None:
        """Call ``handler`` for each message that matches, on this session and all later ones."""
        wanted = _Wanted(handler, commands, optional)
        self._set({**self._wanted.value, topic_filter: wanted})

    def remove(self, topic_filter: str) -> None:
        """Call nobody any more for ``topic_filter``."""
        wanted = {**self._wanted.value}
        if wanted.pop(topic_filter, None):
            self._set(wanted)
            self._refusals.forget(topic_filter)

    def begin(self) -> None:
        """A session begins, on which nothing is subscribed yet."""
        for wanted in self._wanted.value.values():
            wanted.refused, wanted.due_s = 0, -inf
        self._asked.clear()
        self._complete.clear()

    async def complete(self) -> None:
        """Return when each subscription has been tried on this session."""
        await self._complete.wait()

    async def run(self, session: Session) -> None:
        """Have the broker send what is wanted, until cancelled. Refused ones are tried again."""
        while True:
            version = self._wanted.version
            await self._catch_up(session)
            self._complete.set()
            due_s = min((wanted.due_s for wanted in self._asked.values()), default=inf)
            if due_s < inf:
                wait_s = due_s - self._clock.monotonic()
                await self._wanted.newer(version, within_s=wait_s, clock=self._clock)
                continue
            async for _ in self._wanted.watch():
                if self._wanted.version != version:
                    break

    def deliver(self, received: Received) -> None:
        """Call the handlers whose filters match; what one of them raises stops no other."""
        if len(received.payload) > LARGEST_PAYLOAD:
            if not self._too_long:
                log.warning("ignored %d bytes on %s", len(received.payload), received.topic)
            self._too_long = True
            return
        wanted, topic = self._wanted.value, received.topic
        if topic in wanted:
            self._call(wanted[topic].handler, received)
        for pattern in self._patterns:
            if topic_matches_sub(pattern, topic):  # amqtt also sends what others want
                self._call(wanted[pattern].handler, received)

    def _set(self, wanted: dict[str, _Wanted]) -> None:
        self._wanted.set(wanted)
        self._patterns = tuple(name for name in wanted if "+" in name or "#" in name)

    def _call(self, handler: Handler, received: Received) -> None:
        try:
            handler(received)
        except Exception as error:  # noqa: BLE001 - logged there
            self._faults.log(error, f"a message on {received.topic}", ", which is ignored")

    async def _catch_up(self, session: Session) -> None:
        wanted, now_s = self._wanted.value, self._clock.monotonic()
        for topic_filter in [known for known in self._asked if known not in wanted]:
            if not self._asked.pop(topic_filter).refused:
                await session.unsubscribe(topic_filter)
        due = {name: want for name, want in wanted.items() if want.due_s <= now_s}
        self._asked |= due
        async with asyncio.TaskGroup() as tasks:
            for topic_filter, want in due.items():
                asking = self._subscribe(session, topic_filter, want)
                tasks.create_task(asking, name="mqtt-subscribe")

    async def _subscribe(self, session: Session, topic_filter: str, wanted: _Wanted) -> None:
        try:
            await session.subscribe(
                topic_filter, commands=wanted.commands or wanted.optional, own=wanted.optional
            )
        except SubscriptionRefusedError as error:
            wait_s = RETRY_S[min(wanted.refused, len(RETRY_S) - 1)]
            wanted.refused, wanted.due_s = wanted.refused + 1, self._clock.monotonic() + wait_s
            if not wanted.optional:
                self._refusals.refused(topic_filter, error.code, error.reason)
        else:
            wanted.refused, wanted.due_s = 0, inf
            self._refusals.accepted(topic_filter)
