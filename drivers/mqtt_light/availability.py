"""Whether a device is there, from what is reported of it, and sending to one that may be away.

What a broker has stored may be old: a last will outlives the device's return where the word after
it was not stored, or was lost. So a stored ``offline`` is a doubt, and whatever the device itself
tells ends it. One that is reported now holds until the device tells something.
"""

from __future__ import annotations

import math

from bridge.contract.clock import Clock
from bridge.contract.errors import LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.wire import Message
from drivers.base import Bus

ANSWER_S = 1.0
"""A device that is there tells something within this time after a question or command."""
TRY_EVERY_S = 60.0
"""So often a device is tried that an old word says is away."""
BROKER_AWAY_S, DEVICE_AWAY_S = 1.0, 5.0
"""Waits until the next look whether it is back; neither costs anything."""


class Reach:
    """The way to one device, and what each of its availability topics said last.

    Of ``nearest_first`` only the first that ever spoke counts: of which folder a device is, is not
    to be seen from its topic.
    """

    def __init__(self, nearest_first: tuple[str, ...], bus: Bus, clock: Clock) -> None:
        self._nearest_first, self._bus, self._clock = nearest_first, bus, clock
        self._said: dict[str, bool] = {}
        self._away: dict[str, bool] = {}
        """Of each topic that says offline whether that was stored."""
        self._tried: dict[str, tuple[Message, float]] = {}
        self.live: Latest[None] = Latest(None)
        """Set whenever the device itself tells something."""
        self.sent_s = -math.inf

    def receive(self, topic: str, *, online: bool, stored: bool) -> bool:
        """Take a word; whether everybody says online now and somebody did not before."""
        if topic in self._nearest_first and not self._is_nearest(topic):
            return False
        was_away = not all(self._said.values())
        self._said[topic] = online
        self._away.pop(topic, None)
        if not online:
            self._away[topic] = stored
        return was_away and all(self._said.values())

    def receive_device(self) -> None:
        """The device itself reported something now."""
        self._away.clear()
        self.live.set(None)

    @property
    def away(self) -> str | None:
        """The topic that says that the device is away."""
        return min(self._away, key=self._away.__getitem__, default=None)

    @property
    def is_doubtful(self) -> bool:
        """Whether only an old word says that the device is away."""
        return self._bus.connected and bool(self._away) and all(self._away.values())

    def require(self) -> None:
        """Raise where the broker or the device is away, as far as anybody says."""
        if not self._bus.connected:
            raise LightUnreachableError("the broker is away", retry_after_s=BROKER_AWAY_S)
        if self.away:
            raise LightUnreachableError(
                f"{self.away} says that the device is offline", retry_after_s=DEVICE_AWAY_S
            )

    def publish(self, message: Message) -> None:
        """Send, whoever hears it."""
        self.sent_s = self._clock.monotonic()
        if self.is_doubtful:
            self._tried[message.topic] = message, self.sent_s
        self._bus.publish(message)

    async def send(self, *messages: Message) -> None:
        """Send; where it is doubtful that the device is there this is a try: its answer counts."""
        is_try, live = self.is_doubtful, self.live.version
        if not (is_try and self.may_try(messages[-1])):
            self.require()
        for message in messages:
            self.publish(message)
        if is_try:
            await self.live.newer(live, within_s=ANSWER_S, clock=self._clock)
            self.require()

    def may_try(self, message: Message) -> bool:
        """Whether one that is perhaps away was not reported just this within the last minute."""
        if not self.is_doubtful:
            return True
        last, at_s = self._tried.get(message.topic, (None, 0.0))
        return message != last or self._clock.monotonic() - at_s >= TRY_EVERY_S

    def _is_nearest(self, topic: str) -> bool:
        """Whether nobody nearer has spoken; who is further then counts no more."""
        place = self._nearest_first.index(topic)
        for further in self._nearest_first[place + 1 :]:
            self._said.pop(further, None)
            self._away.pop(further, None)
        return not any(nearer in self._said for nearer in self._nearest_first[:place])
