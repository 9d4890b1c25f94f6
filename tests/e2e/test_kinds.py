"""From Microsoft to each kind of lamp, every driver in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from bridge.contract.clock import SystemClock
from bridge.contract.light import LightState
from drivers.base import Surroundings
from drivers.hue.options import HueOptions
from tests.contract.rigs import HueRig, SerialRig
from tests.e2e.conftest import Stage
from tests.fakes.mqtt_light_bus import FakeBus
from tests.fakes.mqtt_light_devices import ZigbeeBulb
from tests.fakes.serial_boards import LineBoard
from tests.fakes.stand_ins import Wires, wired

pytestmark = pytest.mark.broker

SOON_S = 20.0
GREEN = LightState(color=(0, 255, 0), brightness=0.6)
PURPLE = LightState(color=(140, 0, 255))
RED = LightState(color=(255, 0, 0), brightness=0.6)
WHITE = LightState(brightness=0.15)
PRESENCES = {"Available": GREEN, "DoNotDisturb": PURPLE, "Busy": RED}
CONFIG = """
[drivers.console]
kind = "console"
grace = 0
[drivers.hue]
kind = "hue"
grace = 0
hub = "{hub}"
light = "Desk"
[drivers.serial]
kind = "serial"
grace = 0
protocol = "line"
port = "{port}"
[drivers.mqtt]
kind = "mqtt"
grace = 0
device = "zigbee2mqtt"
topic = "zigbee2mqtt/desk"
[drivers.gpio]
kind = "gpio"
grace = 0
pins = {{ red = 17, green = 27, blue = 22 }}
[drivers.usb]
kind = "usb"
grace = 0
"""


@dataclass
class House:
    """Every lamp, and the driver of each that runs."""

    stage: Stage
    shows: dict[str, Callable[[LightState], bool]]
    """By name; whether the device itself shows a look."""
    hue: HueRig
    bulb: ZigbeeBulb
    drivers: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    printed: bytes = b""
    """By the console."""

    def start(self, *names: str) -> None:
        for name in names:
            self.drivers[name] = self.stage.start("drivers", name)
        if "console" in names:
            pipe = self.drivers["console"].stdout
            assert pipe is not None
            asyncio.get_running_loop().add_reader(pipe.fileno(), self._read, pipe.fileno())

    def _read(self, pipe: int) -> None:
        told = os.read(pipe, 4096)
        self.printed += told
        if not told:
            asyncio.get_running_loop().remove_reader(pipe)

    async def bridge(self) -> subprocess.Popen[str]:
        """The bridge, once it knows Alice's presence."""
        since = len(self.stage.mqtt.heard)
        process = self.stage.start("bridge", "run")
        topic = "presence/account/alice/availability"
        await self.stage.mqtt.until_text(topic, "online", since=since)
        return process

    async def be(self, availability: str, *, on: tuple[str, ...] = ()) -> None:
        """Change the presence and wait until it is on the lamps, on all that run if none is named."""
        self.stage.be(availability)
        await self.until_shown(PRESENCES[availability], on=on)

    async def until_shown(self, state: LightState, *, on: tuple[str, ...] = ()) -> None:
        wanted = on or tuple(self.drivers)
        dark = wanted
        try:
            async with asyncio.timeout(SOON_S):
                while dark := [name for name in wanted if not self.shows[name](state)]:  # noqa: ASYNC110 - facts of other processes
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{dark} did not show {state}") from None


async def _bulb(bulb: ZigbeeBulb, port: int) -> None:
    """The bulb on the broker; zigbee2mqtt connects again for ever."""
    while True:
        try:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                for topic in bulb.commands:
                    await client.subscribe(topic, qos=1)
                for topic, payload, retain in bulb.hello():
                    await client.publish(topic, payload, qos=1, retain=retain)
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    for topic, payload, retain in bulb.hear(str(message.topic), message.payload):
                        await client.publish(topic, payload, qos=1, retain=retain)
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)


def _printed(house: House, state: LightState) -> bool:
    return house.printed.splitlines()[-1:] != [] and house.printed.splitlines()[-1].endswith(
        "#{:02x}{:02x}{:02x}".format(*state.rgb).encode()
    )


def _on_pins(wires: Wires, state: LightState) -> bool:
    wanted = [channel / 255 * state.brightness for channel in state.color]
    return [wires.duty.get(f"GPIO{pin}") for pin in (17, 27, 22)] == pytest.approx(wanted)


@pytest.fixture
async def house(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Every device has power, the hub is paired; no driver runs yet."""
    bulb, hue = ZigbeeBulb(), HueRig(tmp_path)
    serial = SerialRig(tmp_path, LineBoard(), "line", boot_s=4)
    around = Surroundings("hue", tmp_path / "state", SystemClock(), FakeBus())
    async with (
        hue.running(around),
        serial.running(around),
        wired(tmp_path / "wires") as wires,
        asyncio.TaskGroup() as tasks,
    ):
        for name, value in wires.environment.items():
            monkeypatch.setenv(name, value)
        assert isinstance(hue.options, HueOptions)
        stage.configure(CONFIG.format(hub=hue.options.hub, port=tmp_path / "ttyUSB0"))
        on_broker = tasks.create_task(_bulb(bulb, stage.broker.port))
        built = House(stage, {}, hue, bulb)
        built.shows = {
            "console": lambda state: _printed(built, state),
            "hue": hue.shows,
            "serial": serial.shows,
            "mqtt": lambda state: bulb.shows == (True, round(254 * state.brightness), state.color),
            "gpio": lambda state: _on_pins(wires, state),
            "usb": lambda state: wires.report == bytes((1, ord("c"), *state.rgb, 0, 10, 0)),
        }
        yield built
        stage.end()
        on_broker.cancel()


async def test_the_colour_arrives_on_each_kind_and_each_is_left_as_it_should_be(
    house: House,
) -> None:
    found = house.bulb.shows
    house.start(*house.shows)
    await house.bridge()
    for availability in PRESENCES:
        await house.be(availability)
    for name, driver in house.drivers.items():
        assert house.stage.stop(driver) == 0, name
        assert "Traceback" not in house.stage.log(driver)
    off = LightState(on=False)
    assert house.hue.as_found()
    assert house.bulb.shows == found
    await house.until_shown(off, on=("serial", "gpio", "usb"))


async def test_each_driver_that_is_killed_leaves_the_others_alone_and_comes_back(
    house: House,
) -> None:
    lamps = ("hue", "serial", "mqtt")
    house.start(*lamps)
    await house.bridge()
    await house.be("Available")
    before, after = "Available", "DoNotDisturb"
    for victim in lamps:
        others = tuple(name for name in lamps if name != victim)
        house.stage.stop(house.drivers[victim], signal.SIGKILL)
        await house.be(after, on=others)
        assert house.shows[victim](PRESENCES[before])
        house.start(victim)
        await house.until_shown(PRESENCES[after])
        before, after = after, before
        for name in others:
            assert house.drivers[name].poll() is None
            assert "WARNING" not in house.stage.log(house.drivers[name])


async def test_after_the_broker_was_killed_every_lamp_is_right_again(house: House) -> None:
    house.start(*house.shows)
    await house.bridge()
    await house.be("Available")
    house.stage.broker.stop(signal.SIGKILL)
    house.stage.be("DoNotDisturb")
    await house.stage.broker.start()
    await house.until_shown(PURPLE)
    await house.be("Busy")


async def test_without_the_bridge_every_lamp_says_so_and_is_right_again_with_it(
    house: House,
) -> None:
    house.start(*house.shows)
    bridge = await house.bridge()
    await house.be("Available")
    house.stage.stop(bridge, signal.SIGKILL)
    await house.until_shown(WHITE)
    house.stage.be("Busy")
    await house.bridge()
    await house.until_shown(RED)
