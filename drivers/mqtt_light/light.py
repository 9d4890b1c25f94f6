"""One light that is reached through the broker. Never knows its topics or payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.broker import Received
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from bridge.contract.wire import Message
from drivers.base import Bus
from drivers.mqtt_light.dialect import Dialect, Seen, is_lit, says_online

ANSWER_S = 1.0
"""A device that is asked for its state has so long to tell it."""
STORED_S = 0.2
"""What the broker has stored is there within this time after the first command."""
SETTLE_S = 3.0
"""So long after a command what the device tells is still the answer to it."""
BROKER_AWAY_S, DEVICE_AWAY_S = 1.0, 5.0
"""Waits until the next look whether it is back; neither costs anything."""


class MqttLight:
    """Sends what a dialect says, and hears what the device tells."""

    def __init__(self, dialect: Dialect, bus: Bus, clock: Clock) -> None:
        self._dialect, self._bus, self._clock = dialect, bus, clock
        self._told: Latest[dict[str, Any]] = Latest({})
        self._online: dict[str, bool] = {}
        self._wanted: Message | None = None
        self._wanted_on, self._sent_s = False, 0.0
        self._answer: Seen | None = None
        self._touched = False

    def listen(self) -> None:
        """Follow the device's topics, now and after each reconnect."""
        for topic in {*self._dialect.state_topics, *self._dialect.availability_topics}:
            self._bus.subscribe(topic, self._hear)

    async def apply(self, state: LightState) -> None:
        """Send the command for ``state``; a device that is away gets it when it is back.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        self._wanted, self._wanted_on = self._dialect.show(state), is_lit(state)
        self._touched = False
        self._require_online()
        self._send(self._wanted)

    async def snapshot(self) -> dict[str, Any]:
        """What the device told of itself, asked if need be; empty when it tells nothing.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        self._require_online()
        version, ask = self._told.version, self._dialect.ask
        if not self._told.value and self._dialect.state_topics:
            if ask is not None:
                self._bus.publish(ask)
            wait_s = STORED_S if ask is None else ANSWER_S
            await self._told.newer(version, within_s=wait_s, clock=self._clock)
        return self._told.value

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what ``snapshot`` read, or switch off where it read nothing.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        self._wanted = None
        self._require_online()
        self._send(self._dialect.put_back(snapshot) if snapshot else self._dialect.show(OFF))

    async def changed_by_others(self) -> bool:
        """Whether the device told of another look than the one it had after our command."""
        return self._touched

    def _require_online(self) -> None:
        if not self._bus.connected:
            raise LightUnreachableError("the broker is away", retry_after_s=BROKER_AWAY_S)
        for topic, online in self._online.items():
            if not online:
                raise LightUnreachableError(
                    f"{topic} says that the device is offline", retry_after_s=DEVICE_AWAY_S
                )

    def _send(self, message: Message) -> None:
        self._sent_s, self._answer = self._clock.monotonic(), None
        self._bus.publish(message)

    def _hear(self, received: Received) -> None:
        if received.topic in self._dialect.availability_topics:
            self._hear_availability(received)
        if received.topic in self._dialect.state_topics:
            try:
                told = self._dialect.read(received.payload)
            except ContractError:
                return
            self._hear_state(told)

    def _hear_availability(self, received: Received) -> None:
        online = says_online(received.payload)
        if online is None:
            return
        was_away = not all(self._online.values())
        self._online[received.topic] = online
        if not all(self._online.values()) or self._wanted is None or self._touched:
            return
        if was_away or self._answer is None:
            # without power it has forgotten what it showed; without the broker it has not heard it
            self._send(self._wanted)

    def _hear_state(self, told: Mapping[str, Any]) -> None:
        if not told:
            return
        self._told.set({**self._told.value, **told})
        seen = self._dialect.seen(self._told.value)
        if seen is None or self._wanted is None:
            return
        settling = self._clock.monotonic() - self._sent_s < SETTLE_S
        if settling or (self._answer is None and seen.on is self._wanted_on):
            self._answer = seen
        else:
            self._touched = self._answer is None or seen.differs(self._answer)
