"""A light behind a fake bus, with or without its device; the clock is the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from bridge.contract.light import LightState
from drivers.mqtt_light.dialects import dialect_of
from drivers.mqtt_light.light import MqttLight
from drivers.mqtt_light.options import MqttOptions
from drivers.testing import FakeBus
from tests.fakes.clock import ManualClock

T = TypeVar("T")

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
DIM = LightState(color=(255, 128, 0), brightness=0.6)


class Desk:
    """A light, its bus, its device and the time."""

    def __init__(self, light: Any = None, /, **options: Any) -> None:
        self.device, self.clock = light, ManualClock()
        self.bus = FakeBus(light)
        self.light = MqttLight(
            dialect_of(MqttOptions.model_validate(options)), self.bus, self.clock
        )
        self.light.listen()

    async def within(self, seconds: float, call: Coroutine[Any, Any, T]) -> T:
        """What ``call`` comes to in so many seconds."""
        running = asyncio.create_task(call)
        await self.clock.advance(0)
        await self.clock.advance(seconds)
        assert running.done()
        return await running

    async def taken(self, topic: str = "", answer: str = "") -> dict[str, Any]:
        """Asked what it can do, then how it is: as a lamp does before the first look.

        Where there is no device it gives ``answer`` on ``topic``.
        """
        asking = asyncio.create_task(self.light.capability())
        await self.clock.advance(0.1)
        if answer:
            self.bus.tell(topic, answer)
        await self.clock.advance(3)
        await asking
        return await self.within(2, self.light.snapshot())

    def store(self, topic: str, payload: str) -> None:
        self.bus.tell(topic, payload, stored=True)

    def tell_device(self) -> None:
        for topic, payload, _ in self.device.told():
            self.bus.tell(topic, payload)

    @property
    def commands(self) -> list[tuple[str, Any]]:
        """Topic and payload of what changed something."""
        asked = ("/get", "/State")
        return [
            (message.topic, _value(message.payload.decode()))
            for message in self.bus.published
            if not message.topic.endswith(asked)
        ]


def _value(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text
