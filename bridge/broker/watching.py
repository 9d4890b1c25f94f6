"""Looks from beside, under another client id, whether somebody else serves in our place.

Whoever was thrown out by another program of the same client id would throw that out in turn, and
so for ever. Seen from here it is found out who serves, and nobody is disturbed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import Connect, Received, Session, SubscriptionRefusedError
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.topics import ONLINE
from bridge.retry import Random

NOBODY_S, GONE_S = (2.0, 5.0), (15.0, 25.0)
"""After so long without anybody the place is free, at a random moment, since there may be more than
one who waits. Whoever was heard may come back; else a link that breaks has looked like a fight, and
an ``online`` that is stored may be our own."""
SILENT_S = 180.0
"""Whoever is ``online`` says so every two minutes; some brokers lose a will with their node."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was heard of who serves in our place."""

    since_s: float
    """Nobody serves since then, or somebody gave the last sign of life."""
    is_taken: bool = False
    was_heard: bool = False
    """Somebody said so since we look."""

    def heard(self, received: Received, now_s: float) -> Place:
        """After a message on the state topic."""
        is_taken = received.payload == ONLINE.encode()
        since_s = now_s if is_taken or self.is_taken else self.since_s
        is_said = is_taken and not received.retain
        return Place(since_s, is_taken, self.was_heard or is_said)

    def free_s(self, part: float) -> float:
        """When it is free unless more is heard; ``part``, up to 1, sets those apart who wait."""
        if self.is_taken:
            return self.since_s + SILENT_S
        least, most = GONE_S if self.was_heard else NOBODY_S
        return self.since_s + least + part * (most - least)


async def watch(
    reconnecting: Reconnecting,
    state_topic: str,
    *,
    connect: Connect,
    clock: Clock,
    random: Random,
) -> None:
    """Return when nobody else serves, or the broker does not let us see whether.

    Raises:
        ConnectionFailedError: The connection failed or ended.
    """
    async with connect(reconnecting.beside()) as session:
        if not reconnecting.accepted_beside(session.limits):
            return
        try:
            was_heard = await _until_free(session, state_topic, clock, random)
        except SubscriptionRefusedError as error:
            reconnecting.cannot_look(str(error))
        else:
            reconnecting.place_is_free(was_heard=was_heard)


async def _until_free(session: Session, state_topic: str, clock: Clock, random: Random) -> bool:
    """Whether anybody was heard."""
    place, part = Latest(Place(clock.monotonic())), random()

    async def listen() -> None:
        try:
            async for received in session.received():
                if received.topic == state_topic:
                    place.set(place.value.heard(received, clock.monotonic()))
        finally:
            place.set(place.value)  # wakes who waits below

    await session.subscribe(state_topic, commands=False)
    listening = asyncio.create_task(listen(), name="mqtt-watch")
    try:
        while (wait_s := place.value.free_s(part) - clock.monotonic()) > 0:
            await place.newer(place.version, within_s=wait_s, clock=clock)
            if listening.done():
                listening.result()
        return place.value.was_heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
