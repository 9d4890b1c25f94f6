"""Looks that move on lights behind the broker: what is sent, and whose hand is respected."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from bridge.contract.latest import Latest
from bridge.contract.light import Effect, LightState
from drivers.mqtt_light import tailored
from drivers.mqtt_light.dialects import dialect_of
from drivers.mqtt_light.light import MqttLight
from drivers.mqtt_light.options import MqttOptions
from drivers.runtime.lamp import Lamp
from drivers.testing import FakeBus
from tests.fakes.clock import ManualClock
from tests.fakes.mqtt_light_devices import EspHomeLight, TasmotaLight, ZigbeeBulb
from tests.fakes.tasks import during

BLINK = LightState(color=(255, 0, 0), effect=Effect.BLINK, period_s=2)
PULSE = LightState(color=(255, 0, 0), effect=Effect.PULSE, period_s=2)
GREEN = LightState(color=(0, 255, 0))
DEVICES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "zigbee2mqtt": (ZigbeeBulb, {"topic": "zigbee2mqtt/desk"}),
    "esphome": (EspHomeLight, {"topic": "desk/light/lamp"}),
    "tasmota": (TasmotaLight, {"topic": "tasmota_desk"}),
}


class Desk:
    def __init__(self, name: str, look: LightState) -> None:
        made, options = DEVICES[name]
        self.device: Any = made()
        self.bus, self.clock = FakeBus(self.device), ManualClock()
        chosen = MqttOptions(device=name, **options)
        self.light = MqttLight(dialect_of(chosen), self.bus, self.clock)
        self.light.listen()
        self.bus.greet()
        self.target: Latest[LightState | None] = Latest(look)
        self.lamp = Lamp(
            self.light,
            tailored(chosen),
            name="desk",
            target=self.target,
            clock=self.clock,
            reachable=lambda _: None,
            watch_others=True,
        )

    def touch(self, *, on: bool, color: tuple[int, int, int]) -> None:
        """Somebody's app or switch; the device tells of it."""
        self.device.shows = (on, self.device.shows[1], color)
        for topic, payload, _ in self.device.told():
            self.bus.tell(topic, payload)

    @property
    def commands(self) -> list[Any]:
        return [json.loads(m.payload) for m in self.bus.published if m.payload.startswith(b"{")]


@asynccontextmanager
async def moving(name: str, look: LightState) -> AsyncIterator[Desk]:
    desk = Desk(name, look)
    async with during(desk.lamp.run()):
        await desk.clock.advance(0)
        yield desk


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("look", [BLINK, PULSE], ids=["blink", "pulse"])
@pytest.mark.parametrize("how", ["off", "another colour"])
async def test_a_hand_on_a_lamp_that_moves_is_respected_and_our_own_is_not_mistaken_for_one(
    name: str, look: LightState, how: str
) -> None:
    async with moving(name, look) as desk:
        await desk.clock.advance(30.1)
        sent = len(desk.bus.published)
        await desk.clock.advance(2)
        assert len(desk.bus.published) > sent  # it moves still
        while not desk.device.shows[0]:
            await desk.clock.advance(0.1)
        desk.touch(on=how != "off", color=(255, 0, 0) if how == "off" else (0, 0, 255))
        touched, sent = desk.device.shows, len(desk.bus.published)
        await desk.clock.advance(120)
        assert (desk.device.shows, len(desk.bus.published)) == (touched, sent)
        desk.target.set(GREEN)
        await desk.clock.advance(2)
        assert desk.device.shows[0]
        assert desk.device.shows[2] == (0, 255, 0)


@pytest.mark.parametrize(("name", "least_s"), [("zigbee2mqtt", 1.0), ("esphome", 1.0)])
@pytest.mark.parametrize("period_s", [0.5, 2.0, 5.0])
async def test_a_pulse_is_two_commands_a_period_and_a_mesh_bears_it(
    name: str, least_s: float, period_s: float
) -> None:
    async with moving(name, PULSE.model_copy(update={"period_s": period_s})) as desk:
        await desk.clock.advance(0.01)
        times, sent = [], 0
        for _ in range(400):
            await desk.clock.advance(0.05)
            if len(desk.bus.published) > sent:
                sent = len(desk.bus.published)
                times.append(desk.clock.monotonic())
        gaps = [b - a for a, b in pairwise(times[1:])]
        if name == "esphome" and period_s < 2 * least_s:
            return  # it takes no fades below a second: drawn in steps
        assert min(gaps) >= max(least_s, period_s / 2) - 0.06
        fades = [command["transition"] for command in desk.commands[-4:]]
        assert all(fade in (int(period_s / 2), max(1.0, period_s / 2)) for fade in fades)


async def test_each_step_of_a_blink_says_that_it_does_not_fade() -> None:
    for name in ("zigbee2mqtt", "esphome"):
        async with moving(name, BLINK) as desk:
            await desk.clock.advance(9.5)
            steps = [command for command in desk.commands if "transition" in command]
            assert len(steps) == 9
            assert {command["transition"] for command in steps} == {0}
            assert {command["state"] for command in steps} == {"ON", "OFF"}
