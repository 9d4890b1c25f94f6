"""One light that is reached through the broker; its dialect knows topics and payloads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bridge.broker import Received
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError, LightRefusedError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from bridge.contract.wire import Message
from drivers.base import Bus, Capability
from drivers.looks.brightness import is_lit
from drivers.mqtt_light.availability import ANSWER_S, Reach
from drivers.mqtt_light.dialect import Dialect, Frame, Seen
from drivers.mqtt_light.words import says_online

log = logging.getLogger(__name__)

STORED_S = 0.2
"""What the broker has stored is there within this time after the first command."""
SETTLE_S = 3.0
"""So long after a command what the device tells is still the answer to it."""
WHOLE_EVERY_S = 10.0
"""Within this time after a whole command a frame says only what it changes."""


class _Sent(NamedTuple):
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
        self._as_asked_for, self._bus, self._clock = dialect, bus, clock
        self._reach = Reach(dialect.bridge_topics, bus, clock)
        self._reported: Latest[dict[str, Any]] = Latest({})
        self._has_all = dialect.ask is None
        self._sent: _Sent | None = None
        self._answer: Seen | None = None
        self._touched = False
        self._effect_may_run = True
        self._is_unread = False
        """Nobody knows whether it is there at all, nor how it was found."""
        self._found_late: dict[str, Any] = {}
        self._is_silence_told = False

    def listen(self) -> None:
        """Follow the device's topics, now and after each reconnect."""
        for topic in {*self._dialect.state_topics, *self._dialect.availability_topics}:
            self._bus.subscribe(topic, self._on_message)

    async def capability(self) -> Capability:
        """What the device can do, as far as it tells. Raises as ``snapshot`` does."""
        await self._learn()
        return self._dialect.capability

    async def apply(self, state: LightState) -> None:
        """Send the command for ``state``; a device that is away gets it when it is back."""
        self._require_one_output()
        now_s = self._clock.monotonic()
        self._sent, may_run = _Sent(state, now_s, now_s), self._effect_may_run or self._touched
        self._touched = False
        end = self._dialect.end(self._reported.value) if may_run else ()
        await self._command(*end, self._dialect.show(state))
        self._effect_may_run = False

    async def fade(self, state: LightState, over_s: float) -> None:
        """Send a frame of an animation: to a Zigbee device only what it changes."""
        last, now_s = self._sent or _Sent(state, 0.0, -WHOLE_EVERY_S), self._clock.monotonic()
        whole = now_s - last.whole_at_s >= WHOLE_EVERY_S
        whole_at_s = now_s if whole else last.whole_at_s
        lit = [part.brightness for part in (last.state, state) if part.on] or [1.0]
        between = min(lit), max(lit)
        self._sent = _Sent(state, last.look_at_s, whole_at_s, is_frame=True, levels=between)
        self._touched = False
        frame = Frame(None if whole else last.state, over_s)
        await self._command(self._dialect.show(state, frame))

    async def snapshot(self) -> dict[str, Any]:
        """What the device reported of itself, asked if need be; empty when it tells nothing."""
        await self._learn()
        self._effect_may_run, self._found_late = True, {}
        self._is_unread = self._reach.is_doubtful and not self._reported.value
        return self._reported.value

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what ``snapshot`` read, or switch off where it read nothing."""
        self._sent, snapshot = None, snapshot or self._found_late
        back = self._dialect.put_back(snapshot) if snapshot else self._dialect.show(OFF)
        if back is None:
            topic = self._dialect.state_topics[0]
            log.warning("%s: found neither on nor off, so it is left as it is", topic)
            return
        end = self._dialect.end(self._reported.value) if self._touched else ()
        await self._command(*end, back)
        self._reported.set({**self._reported.value, **snapshot})  # until it tells otherwise

    async def changed_by_others(self) -> bool:
        """Whether the device reported of another look than the one it had after our command."""
        if self._bus.connected:
            if self._reach.is_doubtful and self._sent and not self._touched:
                await self._reach.send(self._dialect.ask or self._dialect.show(self._sent.state))
            self._reach.require()
        return self._touched

    @property
    def _dialect(self) -> Dialect:
        """As the device turned out to be."""
        asked_for = self._as_asked_for
        return asked_for.fitted(self._reported.value) if self._has_all else asked_for

    async def _learn(self) -> None:
        """Have the device tell how it is, what it has, and its own words for on and off."""
        if not self._reach.is_doubtful:
            self._reach.require()
        if self._dialect.state_topics and not self._has_enough:
            await self._ask_state()
        self._has_all = self._has_all or self._has_enough
        if (words := self._dialect.ask_words(self._reported.value)) is not None:
            self._reach.publish(words)
            await self._wait(ANSWER_S, lambda: not self._dialect.ask_words(self._reported.value))
        self._require_one_output()

    async def _ask_state(self) -> None:
        """Ask, where that can be. Who tells little may have more to tell, and is waited for."""
        ask, live = self._dialect.ask, self._reach.live.version
        if ask is None:
            await self._wait(STORED_S, lambda: self._has_enough)
        elif self._reach.may_try(ask):
            self._reach.publish(ask)
            await self._wait(ANSWER_S, lambda: self._has_enough)
            if self._reach.live.version != live:
                await self._wait(self._dialect.parts_s, lambda: self._has_enough)
                self._has_all = True
            elif not self._reported.value and not self._is_silence_told:
                self._is_silence_told = True
                log.warning(
                    "%s is asked, and nobody answers: no power, or another topic?", ask.topic
                )

    async def _wait(self, within_s: float, enough: Callable[[], bool]) -> None:
        ends_s = self._clock.monotonic() + within_s
        while not enough() and (left_s := ends_s - self._clock.monotonic()) > 0:
            await self._reported.newer(self._reported.version, within_s=left_s, clock=self._clock)

    @property
    def _has_enough(self) -> bool:
        """Whether nothing is missing that the device is thought to have."""
        reported, asked_for = self._reported.value, self._as_asked_for
        is_whole = self._has_all or asked_for.fitted(reported).capability is asked_for.capability
        return bool(reported) and is_whole

    def _require_one_output(self) -> None:
        if outputs := self._dialect.outputs(self._reported.value):
            raise LightRefusedError(
                f"the device has the outputs {', '.join(outputs)}.",
                remedy=f"Say which one is the light, as in output = {outputs[-1]}",
            )

    async def _command(self, *messages: Message) -> None:
        self._require_one_output()
        self._answer = None
        await self._reach.send(*messages)

    def _on_message(self, received: Received) -> None:
        if received.topic in self._dialect.availability_topics:
            self._on_availability(received)
        if received.topic in self._dialect.state_topics:
            if not received.retain:
                self._reach.receive_device()
            try:
                reported = self._dialect.read(received.payload)
            except ContractError:
                return
            if reported:
                self._on_state(reported)

    def _on_availability(self, received: Received) -> None:
        online = says_online(received.payload)
        if online is None:
            return
        is_back = self._reach.receive(received.topic, online=online, stored=received.retain)
        if self._reach.away or self._sent is None or self._touched:
            return
        if self._dialect.outputs(self._reported.value):
            return
        if self._is_unread and self._dialect.ask:
            self._bus.publish(self._dialect.ask)  # the look follows with the next try
        elif is_back or self._answer is None:
            # without power it has forgotten what it showed; without the broker it has not heard it
            now_s = self._clock.monotonic()
            self._sent, self._answer = _Sent(self._sent.state, now_s, now_s), None
            self._reach.publish(self._dialect.show(self._sent.state))

    def _on_state(self, reported: Mapping[str, Any]) -> None:
        self._reported.set({**self._reported.value, **reported})
        if self._is_unread:  # it tells what it was before us, or what we have just tried
            self._is_unread = False
            tried_s = self._clock.monotonic() - self._reach.sent_s
            self._found_late = self._reported.value if tried_s > SETTLE_S else {}
        seen, sent = self._dialect.seen(self._reported.value), self._sent
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
