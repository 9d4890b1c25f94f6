"""The mqtt kind and its devices, each with a connection of its own to a real Mosquitto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from bridge.broker import Broker
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Surroundings
from drivers.mqtt_light import tailored
from drivers.mqtt_light.options import MqttOptions
from drivers.runtime.lamp import Lamp
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.mqtt_light_devices import (
    Device,
    EspHomeLight,
    TasmotaLight,
    WledStrip,
    ZigbeeBulb,
)
from tests.fakes.tasks import end

DEADLINE_S = 30
RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
DEVICES: list[tuple[type[Any], MqttOptions]] = [
    (ZigbeeBulb, MqttOptions(device="zigbee2mqtt", topic="zigbee2mqtt/desk")),
    (EspHomeLight, MqttOptions(device="esphome", topic="desk/light/lamp")),
    (TasmotaLight, MqttOptions(device="tasmota", topic="tasmota_desk")),
    (WledStrip, MqttOptions(device="wled", topic="wled/desk")),
]

pytestmark = pytest.mark.broker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running(tmp_path) as broker:
        yield broker


@asynccontextmanager
async def plugged_in(device: Device, port: int) -> AsyncIterator[aiomqtt.Client]:
    """The device on the broker, until it loses its power at the end of the block."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for topic in device.commands:
            await client.subscribe(topic, qos=1)
        await _publish(client, device.hello())
        obeying = asyncio.create_task(_obey(client, device))
        try:
            yield client
        finally:
            await end(obeying)


async def _obey(client: aiomqtt.Client, device: Device) -> None:
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        assert not message.retain
        await _publish(client, device.receive(str(message.topic), message.payload))


async def _publish(client: aiomqtt.Client, told: list[tuple[str, bytes, bool]]) -> None:
    for topic, payload, retain in told:
        await client.publish(topic, payload, qos=1, retain=retain)


class Desk:
    """A lamp of the mqtt kind on its own broker connection."""

    def __init__(self, lamp: Lamp, target: Latest[LightState | None], broker: Broker) -> None:
        self.lamp, self.target, self.broker = lamp, target, broker
        self.reachable: list[bool] = []


@asynccontextmanager
async def desk(options: MqttOptions, port: int, folder: Path) -> AsyncIterator[Desk]:
    clock, target = SystemClock(), Latest[LightState | None](None)
    broker = Broker(
        MqttSettings(host="127.0.0.1", port=port),
        client_id="presence-driver-desk",
        state_topic="presence/driver/desk/state",
        welcome=tuple,
        clock=clock,
    )
    kind = tailored(options)
    async with kind.open(options, Surroundings("desk", folder, clock, broker)) as light:
        reachable: list[bool] = []
        lamp = Lamp(
            light,
            kind,
            name="desk",
            target=target,
            clock=clock,
            reachable=reachable.append,
        )
        built = Desk(lamp, target, broker)
        built.reachable = reachable
        tasks = [asyncio.create_task(broker.run()), asyncio.create_task(lamp.run())]
        try:
            await until(lambda: broker.connected)
            yield built
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not fact():  # noqa: ASYNC110 - a fact of two connections
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("made", "options"), DEVICES)
async def test_a_device_follows_and_is_left_as_it_was_found(
    broker: Mosquitto, tmp_path: Path, made: type[Any], options: MqttOptions
) -> None:
    device: Device = made()
    before = device.shows
    async with (
        plugged_in(device, broker.port),
        desk(options, broker.port, tmp_path) as here,
    ):
        here.target.set(RED)
        await until(lambda: device.shows[0] and device.shows[2] == (255, 0, 0))
        here.target.set(OFF)
        await until(lambda: not device.shows[0])
        here.target.set(GREEN)
        await until(lambda: device.shows[0] and device.shows[2] == (0, 255, 0))
        await here.lamp.leave("restore")
        await until(lambda: device.shows == before)


async def test_a_device_without_power_gets_the_newest_look_when_it_is_back(
    broker: Mosquitto, tmp_path: Path
) -> None:
    bulb = ZigbeeBulb()
    options = MqttOptions(device="zigbee2mqtt", topic=bulb.topic)
    async with desk(options, broker.port, tmp_path) as here:
        async with plugged_in(bulb, broker.port) as client:
            here.target.set(RED)
            await until(lambda: bulb.shows == (True, 254, (255, 0, 0)))
            offline = b'{"state":"offline"}'
            await client.publish(f"{bulb.topic}/availability", offline, qos=1, retain=True)
        await until(lambda: here.reachable[-1:] == [True])
        here.target.set(GREEN)
        await until(lambda: here.reachable[-1:] == [False])
        bulb.shows = (True, 254, (255, 255, 255))
        async with plugged_in(bulb, broker.port):
            await until(lambda: bulb.shows == (True, 254, (0, 255, 0)))
            await until(lambda: here.reachable[-1:] == [True])


async def test_all_is_right_after_the_broker_was_gone(broker: Mosquitto, tmp_path: Path) -> None:
    light = EspHomeLight()
    options = MqttOptions(device="esphome", topic=light.topic)
    async with desk(options, broker.port, tmp_path) as here:
        async with plugged_in(light, broker.port):
            here.target.set(RED)
            await until(lambda: light.shows == (True, 255, (255, 0, 0)))
        broker.stop()
        await until(lambda: not here.broker.connected)
        here.target.set(GREEN)
        await until(lambda: here.reachable[-1:] == [False])
        await broker.start()
        async with plugged_in(light, broker.port):
            await until(lambda: light.shows == (True, 255, (0, 255, 0)))


async def test_wled_is_sent_a_pulse_once_and_does_it_alone(
    broker: Mosquitto, tmp_path: Path
) -> None:
    strip = WledStrip()
    options = MqttOptions(device="wled", topic=strip.topic)
    async with (
        plugged_in(strip, broker.port),
        desk(options, broker.port, tmp_path) as here,
    ):
        here.target.set(RED.model_copy(update={"effect": Effect.PULSE, "period_s": 3}))
        await until(lambda: strip.effect == 2)
        assert strip.speed == 96
        here.target.set(OFF)
        await until(lambda: not strip.shows[0])
        here.target.set(GREEN)
        await until(lambda: strip.shows == (True, 255, (0, 255, 0)))


async def test_ten_quick_changes_end_on_the_last_with_few_commands(
    broker: Mosquitto, tmp_path: Path
) -> None:
    bulb = ZigbeeBulb()
    options = MqttOptions(device="zigbee2mqtt", topic=bulb.topic)
    heard: list[str] = []

    class Counting(ZigbeeBulb):
        def receive(self, topic: str, payload: bytes) -> list[tuple[str, bytes, bool]]:
            heard.append(topic)
            return super().receive(topic, payload)

    counting = Counting()
    async with plugged_in(counting, broker.port), desk(options, broker.port, tmp_path) as here:
        for number in range(10):
            here.target.set(LightState(color=(number, 0, 9)))
            await asyncio.sleep(0.01)
        await until(lambda: counting.shows[2] == (9, 0, 9))
        assert heard.count(f"{bulb.topic}/set") <= 3


@asynccontextmanager
async def telling(device: TasmotaLight, client: aiomqtt.Client) -> AsyncIterator[None]:
    """Its telemetry, again and again."""

    async def tell() -> None:
        while True:
            await _publish(client, device.tele())
            await asyncio.sleep(0.2)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        await end(task)


async def test_a_will_that_the_broker_kept_does_not_hide_a_device_that_sends_its_state(
    broker: Mosquitto, tmp_path: Path
) -> None:
    device = TasmotaLight(online=b"Offline")  # its own "Online" was lost
    options = MqttOptions(device="tasmota", topic=device.name)
    async with (
        plugged_in(device, broker.port) as client,
        telling(device, client),
        desk(options, broker.port, tmp_path) as here,
    ):
        here.target.set(RED)
        await until(lambda: device.shows == (True, 255, (255, 0, 0)))
        await until(lambda: here.reachable[-1:] == [True])


async def test_one_that_only_a_kept_will_names_is_tried_and_unreachable(
    broker: Mosquitto, tmp_path: Path
) -> None:
    options = MqttOptions(device="tasmota", topic="desk")
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish("tele/desk/LWT", "Offline", qos=1, retain=True)
        await client.subscribe("cmnd/desk/#", qos=1)
        async with desk(options, broker.port, tmp_path) as here:
            here.target.set(RED)
            await until(lambda: here.reachable[-1:] == [False])
            tried = [str((await anext(client.messages)).topic) for _ in range(2)]
            assert tried == ["cmnd/desk/State", "cmnd/desk/Color1"]


async def test_a_bridge_whose_base_topic_has_folders_is_waited_for(
    broker: Mosquitto, tmp_path: Path
) -> None:
    bulb = ZigbeeBulb(topic="home/zigbee/desk", base="home/zigbee")
    options = MqttOptions(device="zigbee2mqtt", topic=bulb.topic)
    async with (
        plugged_in(bulb, broker.port) as client,
        desk(options, broker.port, tmp_path) as here,
    ):
        here.target.set(RED)
        await until(lambda: bulb.shows == (True, 254, (255, 0, 0)))
        await client.publish("home/zigbee/bridge/state", "offline", qos=1, retain=True)
        here.target.set(GREEN)
        await until(lambda: here.reachable[-1:] == [False])
        bulb.shows = (True, 254, (255, 255, 255))
        await client.publish("home/zigbee/bridge/state", "online", qos=1, retain=True)
        await until(lambda: bulb.shows == (True, 254, (0, 255, 0)))


async def test_of_a_socket_and_a_light_only_the_light_is_switched(
    broker: Mosquitto, tmp_path: Path
) -> None:
    device = TasmotaLight(sockets=[True], shows=(True, 255, (0, 0, 255)))
    options = MqttOptions(device="tasmota", topic=device.name, output=2)
    async with plugged_in(device, broker.port), desk(options, broker.port, tmp_path) as here:
        here.target.set(OFF)
        await until(lambda: not device.shows[0])
        await here.lamp.leave("restore")
        await until(lambda: device.shows == (True, 255, (0, 0, 255)))
        assert device.sockets == [True]


async def test_nothing_is_switched_while_it_is_open_which_output_is_the_light(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device = TasmotaLight(sockets=[True])
    options = MqttOptions(device="tasmota", topic=device.name)
    async with plugged_in(device, broker.port), desk(options, broker.port, tmp_path) as here:
        here.target.set(OFF)
        await until(lambda: here.reachable[-1:] == [False])
        assert device.sockets == [True]
        assert "output = 2" in caplog.text
