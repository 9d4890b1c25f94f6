"""Looks from beside, under another client id, whether somebody else serves in our place.

Whoever was thrown out by another program of the same client id would throw that out in turn, and
so for ever. Seen from here it is found out who serves, and nobody is disturbed. A node of
``[standby]`` looks from here before each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from bridge.broker.lease import Lease
from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import Connect, Received, Session, SubscriptionRefusedError
from bridge.broker.subscriptions import RETRY_S
from bridge.contract.latest import Latest
from bridge.contract.topics import ONLINE

NOBODY_S, GONE_S = (2.0, 5.0), (10.0, 20.0)
"""After so long without anybody the place is free, at a random moment, since there may be more than
one who waits. Whoever was heard may come back; else a link that breaks has looked like a fight, and
an ``online`` that is stored may be our own."""
SILENT_S = 180.0
"""Whoever is ``online`` says so every two minutes; some brokers lose a will with their node."""
STORED_S = 0.5
"""For what is stored, after the broker has taken a subscription."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was heard of who serves in our place."""

    since_s: float
    """Nobody serves since then, or somebody gave the last sign of life."""
    is_taken: bool = False
    was_heard: bool = False
    """Somebody said so since we look, or is the last who did."""

    def heard(self, received: Received, now_s: float) -> Place:
        """After a message on the state topic."""
        is_taken = received.payload == ONLINE.encode()
        since_s = now_s if is_taken or self.is_taken else self.since_s
        is_said = is_taken and not received.retain
        return Place(since_s, is_taken, self.was_heard or is_said)

    def lives(self, now_s: float) -> Place:
        """After another sign of life."""
        return Place(now_s, is_taken=True, was_heard=True)

    def free_s(self, part: float) -> float:
        """When it is free unless more is heard; ``part``, up to 1, sets those apart who wait."""
        if self.is_taken:
            return self.since_s + SILENT_S
        least, most = GONE_S if self.was_heard else NOBODY_S
        return self.since_s + least + part * (most - least)


async def watch(
    reconnecting: Reconnecting, state_topic: str, lease: Lease | None, connect: Connect
) -> None:
    """Return when nobody else serves, or the broker does not let us see whether.

    Raises:
        ConnectionFailedError: The connection failed or ended.
    """
    async with connect(reconnecting.greeting_beside()) as session:
        if not reconnecting.accepted_beside(session.limits):
            return
        watching = _Watching(session, state_topic, lease, reconnecting)
        try:
            was_heard = await watching.until_free(reconnecting.random())
        except SubscriptionRefusedError as error:
            reconnecting.cannot_look(str(error))
        else:
            reconnecting.dispute.place_is_free(was_heard=was_heard)


class _Watching:
    """One connection beside who serves."""

    def __init__(
        self, session: Session, state_topic: str, lease: Lease | None, reconnecting: Reconnecting
    ) -> None:
        self._session, self._lease, self._clock = session, lease, reconnecting.clock
        self._dispute, self._address = reconnecting.dispute, reconnecting.address
        self._place = Latest(Place(self._clock.monotonic()))
        self._on_message: dict[str, Callable[[Received], None]] = {state_topic: self._on_state}
        if lease:
            self._on_message |= {
                lease.topic: partial(self._on_leader, lease),
                lease.health_topic: partial(self._on_health, lease),
            }

    async def until_free(self, part: float) -> bool:
        """Whether anybody was heard; ``part`` is as for ``Place``."""
        listening = asyncio.create_task(self._listen(), name="mqtt-watch")
        try:
            for topic in self._on_message:
                await self._subscribe(topic)
            was_heard = await self._wait(listening, part)
            if self._lease:
                self._lease.decide()
            return was_heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _wait(self, listening: asyncio.Task[None], part: float) -> bool:
        place, lease = self._place, self._lease
        if lease:
            await self._clock.sleep(STORED_S)
            if lease.is_ours and not self._dispute.thrown_out:
                return False
            lease.log_waiting()
            if lease.other:
                place.set(replace(place.value, was_heard=True))
        while True:
            if listening.done():  # also while we slept, when nobody here was woken
                listening.result()
            if lease and lease.outranks and not self._dispute.thrown_out:
                return False
            wait_s = place.value.free_s(part) - self._clock.monotonic()
            if wait_s <= 0:
                return place.value.was_heard
            await place.newer(place.version, within_s=wait_s, clock=self._clock)

    async def _listen(self) -> None:
        try:
            async for received in self._session.received():
                if receive := self._on_message.get(received.topic):
                    receive(received)
        finally:
            self._place.set(self._place.value)  # wakes who waits above

    async def _subscribe(self, topic: str) -> None:
        """Raises ``SubscriptionRefusedError``, unless we may not serve without having looked."""
        for refused in count():
            try:
                await self._session.subscribe(topic, commands=False)
            except SubscriptionRefusedError as error:
                if not self._lease:
                    raise
                self._dispute.may_not_look(self._address, str(error))
                await self._clock.sleep(RETRY_S[min(refused, len(RETRY_S) - 1)])
            else:
                self._dispute.may_not_look(self._address, "")
                return

    def _on_state(self, received: Received) -> None:
        self._place.set(self._place.value.heard(received, self._clock.monotonic()))
        if self._place.value.is_taken and not received.retain:
            self._note_twin()

    def _on_leader(self, lease: Lease, received: Received) -> None:
        before = lease.leader
        lease.receive(received)
        if lease.other and not lease.is_twin and lease.leader != before:
            self._dispute.other_node_serves()
            lease.log_waiting()
        self._note_life(received)

    def _on_health(self, lease: Lease, received: Received) -> None:
        lease.receive_health(received)
        self._note_life(received)

    def _note_life(self, received: Received) -> None:
        if not received.retain and received.payload:
            self._place.set(self._place.value.lives(self._clock.monotonic()))
            self._note_twin()

    def _note_twin(self) -> None:
        """After a sign of life; what is stored may be of ourselves, with a state folder lost."""
        if self._lease and self._lease.is_twin:
            self._dispute.twin_serves()
