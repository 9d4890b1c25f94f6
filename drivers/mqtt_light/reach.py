"""Sends to a device that may be away. Never knows what it says."""

from __future__ import annotations

import math

from bridge.contract.clock import Clock
from bridge.contract.errors import LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.wire import Message
from drivers.base import Bus
from drivers.mqtt_light.attendance import Attendance

ANSWER_S = 1.0
"""A device that is there tells something within this time after a question or command."""
TRY_EVERY_S = 60.0
"""So often a device is tried that an old word says is away."""
BROKER_AWAY_S, DEVICE_AWAY_S = 1.0, 5.0
"""Waits until the next look whether it is back; neither costs anything."""


class Reach:
    """The way to one device."""

    def __init__(self, attendance: Attendance, bus: Bus, clock: Clock) -> None:
        self._attendance, self._bus, self._clock = attendance, bus, clock
        self._tried: dict[str, tuple[Message, float]] = {}
        self.live: Latest[None] = Latest(None)
        """Set whenever the device itself tells something."""
        self.sent_s = -math.inf

    @property
    def is_doubtful(self) -> bool:
        """Whether only an old word says that the device is away."""
        return self._bus.connected and self._attendance.is_doubtful

    def require(self) -> None:
        """Go on only if the device is there, as far as anybody says.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        if not self._bus.connected:
            raise LightUnreachableError("the broker is away", retry_after_s=BROKER_AWAY_S)
        if topic := self._attendance.away:
            raise LightUnreachableError(
                f"{topic} says that the device is offline", retry_after_s=DEVICE_AWAY_S
            )

    def hear_device(self) -> None:
        """The device itself told something now."""
        self._attendance.hear_device()
        self.live.set(None)

    def publish(self, message: Message) -> None:
        """Send, whoever hears it."""
        self.sent_s = self._clock.monotonic()
        if self.is_doubtful:
            self._tried[message.topic] = message, self.sent_s
        self._bus.publish(message)

    async def send(self, *messages: Message | None) -> None:
        """Send; where it is doubtful that the device is there this is a try, and its answer counts.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        is_try, live = self.is_doubtful, self.live.version
        if not (is_try and self.may_try(messages[-1])):
            self.require()
        for message in filter(None, messages):
            self.publish(message)
        if is_try:
            await self.live.newer(live, within_s=ANSWER_S, clock=self._clock)
            self.require()

    def may_try(self, message: Message | None) -> bool:
        """Whether one that is perhaps away was not told just this within the last minute."""
        if message is None or not self.is_doubtful:
            return True
        last, at_s = self._tried.get(message.topic, (None, 0.0))
        return message != last or self._clock.monotonic() - at_s >= TRY_EVERY_S
