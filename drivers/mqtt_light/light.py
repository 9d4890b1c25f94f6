"""One light that is reached through the broker. Never knows its topics or payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.broker import Received
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from bridge.contract.wire import Message
from drivers.base import Bus
from drivers.mqtt_light.dialect import Dialect, Frame, Seen, is_lit, says_online

ANSWER_S = 1.0
"""A device that is asked for its state has so long to tell it."""
STORED_S = 0.2
"""What the broker has stored is there within this time after the first command."""
SETTLE_S = 3.0
"""So long after a command what the device tells is still the answer to it."""
WHOLE_EVERY_S = 10.0
"""Within this time after a whole command a frame says only what it changes."""
BROKER_AWAY_S, DEVICE_AWAY_S = 1.0, 5.0
"""Waits until the next look whether it is back; neither costs anything."""


@dataclass(frozen=True)
class _Sent:
    """The last command for a look or a frame of it."""

    state: LightState
    look_at_s: float
    """When the look began that this is a frame of."""
    whole_at_s: float
    is_frame: bool = False
    levels: tuple[float, float] = (0.0, 1.0)
    """Between which brightnesses a fading device is on its way."""


class MqttLight:
    """Sends what a dialect says, and hears what the device tells."""

    def __init__(self, dialect: Dialect, bus: Bus, clock: Clock) -> None:
        self.shortest_fade_s = dialect.shortest_fade_s
        self._dialect, self._bus, self._clock = dialect, bus, clock
        self._told: Latest[dict[str, Any]] = Latest({})
        self._online: dict[str, bool] = {}
        self._sent: _Sent | None = None
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
        now_s = self._clock.monotonic()
        self._sent = _Sent(state, now_s, now_s)
        self._touched = False
        self._require_online()
        self._send(self._dialect.show(state))

    async def fade(self, state: LightState, over_s: float) -> None:
        """Send a frame of an animation: to a Zigbee device only what it changes.

        Raises:
            LightUnreachableError: The broker or the device is away.
        """
        self._require_online()
        last, now_s = self._sent or _Sent(state, 0.0, -WHOLE_EVERY_S), self._clock.monotonic()
        whole = now_s - last.whole_at_s >= WHOLE_EVERY_S
        lit = [part.brightness for part in (last.state, state) if part.on] or [1.0]
        self._sent = _Sent(
            state,
            last.look_at_s,
            now_s if whole else last.whole_at_s,
            is_frame=True,
            levels=(min(lit), max(lit)),
        )
        self._touched = False
        self._send(self._dialect.show(state, Frame(None if whole else last.state, over_s)))

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
        self._sent = None
        self._require_online()
        self._send(self._dialect.put_back(snapshot) if snapshot else self._dialect.show(OFF))
        self._told.set({**self._told.value, **snapshot})  # until it tells otherwise

    async def changed_by_others(self) -> bool:
        """Whether the device told of another look than the one it had after our command.

        Raises:
            LightUnreachableError: The device is away. Without the broker nothing is known of it.
        """
        if self._bus.connected:
            self._require_online()
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
        self._answer = None
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
        if not all(self._online.values()) or self._sent is None or self._touched:
            return
        if was_away or self._answer is None:
            # without power it has forgotten what it showed; without the broker it has not heard it
            now_s = self._clock.monotonic()
            self._sent = _Sent(self._sent.state, now_s, now_s)
            self._send(self._dialect.show(self._sent.state))

    def _hear_state(self, told: Mapping[str, Any]) -> None:
        if not told:
            return
        self._told.set({**self._told.value, **told})
        seen, sent = self._dialect.seen(self._told.value), self._sent
        if seen is None or sent is None:
            return
        if self._clock.monotonic() - sent.look_at_s < SETTLE_S:
            self._answer = seen
        elif self._answer is None:
            if seen.on is is_lit(sent.state):
                self._answer = seen
            else:  # of a frame it may be a late word about the one before
                self._touched = not sent.is_frame
        else:
            self._touched = seen.differs(self._answer, fades=sent.is_frame) or (
                sent.is_frame and not seen.is_between(*sent.levels)
            )
