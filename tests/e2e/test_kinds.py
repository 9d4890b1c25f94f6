"""From Microsoft to each kind of lamp, every driver in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio

from bridge.contract.clock import SystemClock
from bridge.contract.light import LightState
from drivers.base import Surroundings
from drivers.http_light.options import HttpOptions
from drivers.hue.options import HueOptions
from drivers.testing import FakeBus
from drivers.wled_light import WledOptions
from tests.contract.rigs import CommandRig, HttpRig, HueRig, SerialRig, WledRig
from tests.e2e.conftest import Stage
from tests.fakes.forks import Program
from tests.fakes.mqtt_light_devices import Told, ZigbeeBulb
from tests.fakes.serial_boards import LineBoard
from tests.fakes.stand_ins import Wires, wired
from tests.fakes.subscriber import subscriber
from tests.fakes.tasks import end

pytestmark = pytest.mark.broker

SOON_S = 30.0
GREEN = LightState(color=(0, 255, 0), brightness=0.6)
PURPLE = LightState(color=(140, 0, 255))
RED = LightState(color=(255, 0, 0), brightness=0.6)
WHITE = LightState(brightness=0.15)
PRESENCES = {"Available": GREEN, "DoNotDisturb": PURPLE, "Busy": RED}
WIRED = ("console", "hue", "serial", "mqtt", "gpio", "usb", "pixels")
WRITTEN = ("command", "http", "virtual", "wled")
CONFIG = """
[drivers.console]
kind = "console"
grace = 1
[drivers.hue]
kind = "hue"
grace = 1
hub = "{hub}"
light = "Desk"
[drivers.serial]
kind = "serial"
grace = 1
protocol = "line"
gamma = 1
port = "{port}"
[drivers.mqtt]
kind = "mqtt"
grace = 1
device = "zigbee2mqtt"
topic = "zigbee2mqtt/desk"
[drivers.gpio]
kind = "gpio"
grace = 1
gamma = 1
pins = {{ red = 17, green = 27, blue = 22 }}
[drivers.usb]
kind = "usb"
grace = 1
[drivers.pixels]
kind = "pixels"
grace = 1
gamma = 1
leds = 3
[drivers.command]
kind = "command"
grace = 1
command = ["{program}", "{folder}", "{{hex}}"]
[drivers.http]
kind = "http"
grace = 1
method = "PUT"
url = "{url}"
body = '{{"hex":"{{hex}}","text":"{{person}} {{look}}"}}'
username = "desk"
password_file = "{folder}/password"
ca_file = "{folder}/tls/ca.pem"
[drivers.virtual]
kind = "virtual"
grace = 1
[drivers.wled]
kind = "wled"
grace = 1
host = "{wled}"
"""


@dataclass
class House:
    """Every lamp, and the driver of each that runs."""

    stage: Stage
    shows: dict[str, Callable[[LightState], bool]]
    """By name; whether the device itself shows a look."""
    hue: HueRig
    bulb: ZigbeeBulb
    wled: WledRig
    bulb_may_connect: asyncio.Event = field(default_factory=asyncio.Event)
    drivers: dict[str, Program] = field(default_factory=dict)
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

    async def stop(self, name: str) -> int:
        """Stop a driver in order, while hub and board go on in here; its exit code."""
        self.drivers[name].send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.drivers[name].wait, SOON_S)

    async def end(self) -> None:
        """Stop all that run, and read the console to its end."""
        for name, driver in self.drivers.items():
            if driver.poll() is None:
                await self.stop(name)
        if "console" in self.drivers and (pipe := self.drivers["console"].stdout):
            asyncio.get_running_loop().remove_reader(pipe.fileno())

    async def bridge(self) -> Program:
        """The bridge, once it knows Alice's presence."""
        since = len(self.stage.mqtt.heard)
        process = self.stage.start("bridge", "run")
        topic = "presence/account/alice/availability"
        await self.stage.mqtt.until_text(topic, "online", since=since)
        return process

    async def be(self, availability: str, *, on: tuple[str, ...] = ()) -> None:
        """Change the presence and wait until these lamps show it, or all that run."""
        self.stage.be(availability)
        await self.until_shown(PRESENCES[availability], on=on)

    async def until_shown(self, state: LightState, *, on: tuple[str, ...] = ()) -> None:
        wanted = on or tuple(self.drivers)
        dark: list[str] = []
        try:
            async with asyncio.timeout(SOON_S):
                while dark := [name for name in wanted if not self.shows[name](state)]:  # noqa: ASYNC110 - facts of other processes
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{dark} did not show {state}") from None


async def _bulb(house: House) -> None:
    """The bulb on the broker; zigbee2mqtt connects again for ever."""
    while True:
        await house.bulb_may_connect.wait()
        try:
            async with aiomqtt.Client("127.0.0.1", house.stage.broker.port) as client:
                for topic in house.bulb.commands:
                    await client.subscribe(topic, qos=1)
                await _tell(client, house.bulb.hello())
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    await _tell(client, house.bulb.receive(str(message.topic), message.payload))
        except aiomqtt.MqttError:
            await asyncio.sleep(0.02)


async def _tell(client: aiomqtt.Client, told: Told) -> None:
    for topic, payload, retain in told:
        await client.publish(topic, payload, qos=1, retain=retain)


def _printed(house: House, state: LightState) -> bool:
    return house.printed.splitlines()[-1:] != [] and house.printed.splitlines()[-1].endswith(
        "#{:02x}{:02x}{:02x}".format(*state.rgb).encode()
    )


def _in_home_assistant(house: House, state: LightState) -> bool:
    topic = "presence/driver/virtual/light/state"
    told = [heard.payload for heard in house.stage.mqtt.heard if heard.topic == topic]
    shown = json.loads(told[-1]) if told else {}
    color = dict(zip("rgb", state.color, strict=True))
    return bool(shown.get("state") == "ON" and shown["color"] == color)


def _on_pins(wires: Wires, state: LightState) -> bool:
    wanted = [channel / 255 * state.brightness * state.on for channel in state.color]
    return [wires.duty.get(f"GPIO{pin}") for pin in (17, 27, 22)] == pytest.approx(wanted)


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Every device has power, the hub is paired; no driver runs yet."""
    bulb, hue = ZigbeeBulb(), HueRig(tmp_path)
    command, http, wled = CommandRig(tmp_path), HttpRig(tmp_path), WledRig()
    serial = SerialRig(tmp_path, LineBoard(), "line", boot_s=4)
    around = Surroundings("hue", tmp_path / "state", SystemClock(), FakeBus())
    async with (
        hue.running(around),
        serial.running(around),
        http.running(around),
        wled.running(around),
        wired(tmp_path / "wires") as wires,
        asyncio.TaskGroup() as tasks,
    ):
        for name, value in wires.environment.items():
            monkeypatch.setenv(name, value)
        assert isinstance(hue.options, HueOptions)
        assert isinstance(http.options, HttpOptions)
        assert isinstance(wled.options, WledOptions)
        names = {"hub": hue.options.hub, "url": http.options.url, "wled": wled.options.host}
        names |= {"folder": str(tmp_path), "program": str(tmp_path / "lamp")}
        stage.configure(CONFIG.format(port=tmp_path / "ttyUSB0", **names))
        built = House(stage, {}, hue, bulb, wled)
        built.bulb_may_connect.set()
        on_broker = tasks.create_task(_bulb(built))
        built.shows = {
            "console": lambda state: _printed(built, state),
            "hue": hue.shows,
            "serial": serial.shows,
            "mqtt": lambda state: bulb.shows == (True, round(254 * state.brightness), state.color),
            "gpio": lambda state: _on_pins(wires, state),
            "command": command.shows,
            "http": http.shows,
            "virtual": lambda state: _in_home_assistant(built, state),
            "wled": wled.shows,
            "pixels": lambda state: wires.led == tuple(state.rgb[at] for at in (1, 0, 2)),
            "usb": lambda state: wires.report == bytes((1, ord("c"), *state.rgb, 0, 10, 0)),
        }
        try:
            yield built
        finally:
            await built.end()
            await end(on_broker)


@pytest.mark.parametrize("lamps", [WIRED, WRITTEN], ids=["wired", "written"])
async def test_the_colour_arrives_on_each_kind_and_each_is_left_as_it_should_be(
    house: House, lamps: tuple[str, ...]
) -> None:
    found = house.bulb.shows
    house.start(*lamps)
    await house.bridge()
    for availability in PRESENCES:
        await house.be(availability)
    for name, driver in house.drivers.items():
        assert await house.stop(name) == 0, name
        assert "Traceback" not in house.stage.log(driver)
    off = LightState(on=False)
    assert house.hue.as_found()
    assert house.wled.as_found()
    assert house.bulb.shows == found
    dark = {"serial", "gpio", "usb", "pixels", "command", "http"} & set(lamps)
    await house.until_shown(off, on=tuple(dark))


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


async def test_broker_and_bridge_are_killed_in_turn_and_every_lamp_ends_right(
    house: House,
) -> None:
    house.start(*WIRED)
    bridge = await house.bridge()
    await house.be("Available")

    house.bulb_may_connect.clear()
    house.stage.broker.stop(signal.SIGKILL)
    house.stage.be("DoNotDisturb")
    await house.stage.broker.start()
    async with subscriber(house.stage.broker.port) as fresh:
        await fresh.until("zigbee2mqtt/desk/set", deadline_s=SOON_S)  # nobody has heard it
        house.bulb_may_connect.set()
        await house.until_shown(PURPLE)

    house.stage.stop(bridge, signal.SIGKILL)
    await house.until_shown(WHITE)
    house.stage.be("Busy")
    house.stage.start("bridge", "run")
    await house.until_shown(RED)
