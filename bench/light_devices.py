"""Stand-ins for the benches, one a kind: how the config names it, and when it is called."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiomqtt
from aiohttp import web

from bench.rig import DEADLINE_S, PROMPT, Rig
from bridge.contract.clock import SystemClock
from bridge.demo.certificate import make_certificate
from drivers import hue
from drivers.base import Surroundings
from drivers.hue.options import HueOptions
from drivers.testing import FakeBus
from tests.fakes.http_devices import HttpDevice, WledStrip
from tests.fakes.hue_hub import HueHub, color_light
from tests.fakes.lan_lamps import LifxLamp, WizBulb, Yeelight
from tests.fakes.mqtt_light_devices import ZigbeeBulb
from tests.fakes.serial_boards import LineBoard
from tests.fakes.serial_pty import Plug
from tests.fakes.stand_ins import wired


@dataclass
class Device:
    """A stand-in: how the config names it, and when it was called (monotonic seconds)."""

    config: str
    environment: Mapping[str, str] = field(default_factory=dict)
    prints: bool = False
    """What the driver prints is the call."""
    rest_s: float = 0.3
    """Between two changes: a bit more than the longest pace of a light."""
    alone: str = ""
    """How the kind's library finds it, where that takes its time without any program of ours."""
    calls: asyncio.Queue[float] = field(default_factory=asyncio.Queue)

    def called(self) -> None:
        """Note a call at this moment."""
        self.calls.put_nowait(time.monotonic())

    async def next_call(self) -> float:
        """When it is, or was, called next."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.calls.get()

    def forget(self) -> None:
        """Drop the calls so far, such as the other two pins of a look."""
        while not self.calls.empty():
            self.calls.get_nowait()


class _Hub(HueHub):
    """Tells of each write."""

    called: Callable[[], None]

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            self.called()
        return await super()._answer(request)


class _Plug(Plug):
    """Tells of each colour, not of pings."""

    called: Callable[[], None]

    def _receive(self) -> None:
        assert isinstance(self.board, LineBoard)
        told = len(self.board.told)
        super()._receive()
        if any(line.startswith("show") for line in self.board.told[told:]):
            self.called()


@asynccontextmanager
async def _console(_rig: Rig) -> AsyncIterator[Device]:
    yield Device('kind = "console"', prints=True)


@asynccontextmanager
async def _hue(rig: Rig) -> AsyncIterator[Device]:
    """Over TLS; a write is noted when the hub has read it."""
    hub = _Hub(rig.folder, lights={"1": color_light("Desk")}, link_button=True)
    around = Surroundings("lamp", rig.folder / "lights", SystemClock(), FakeBus())
    async with hub.running():
        device = Device(f'kind = "hue"\nhub = "{hub.address}"\nlight = "Desk"')
        hub.called = device.called
        assert hue.KIND.pair is not None
        with redirect_stdout(None):
            await hue.KIND.pair(HueOptions(hub=hub.address, light="Desk"), around)
        yield device


@asynccontextmanager
async def _serial(rig: Rig) -> AsyncIterator[Device]:
    """Our own protocol on a pty, whose line takes no time."""
    plug = _Plug(rig.folder / "ttyUSB0", LineBoard())
    device = Device(f'kind = "serial"\nprotocol = "line"\nport = "{plug.path}"')
    plug.called = device.called
    plug.plug()
    try:
        yield device
    finally:
        plug.unplug()


@asynccontextmanager
async def _mqtt(rig: Rig) -> AsyncIterator[Device]:
    """A bulb on the same broker: a second way through it is in the figure."""
    bulb = ZigbeeBulb()
    device = Device(f'kind = "mqtt"\ndevice = "zigbee2mqtt"\ntopic = "{bulb.topic}"')
    async with _client(rig) as client, asyncio.TaskGroup() as tasks:
        for topic in bulb.commands:
            await client.subscribe(topic, qos=1)
        obeying = tasks.create_task(_obey(client, bulb, device))
        yield device
        obeying.cancel()


def _client(rig: Rig) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", rig.mqtt_port, socket_options=PROMPT)


async def _obey(client: aiomqtt.Client, bulb: ZigbeeBulb, device: Device) -> None:
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        if str(message.topic).endswith("/set"):
            device.called()
        for topic, payload, retain in bulb.receive(str(message.topic), message.payload):
            await client.publish(topic, payload, qos=1, retain=retain)


class _Device(HttpDevice):
    """Takes anything, and tells of each request that changes something."""

    called: Callable[[], None]

    async def answer(self, _request: web.Request, _body: str) -> web.StreamResponse:
        self.called()
        return web.Response(status=204)


@asynccontextmanager
async def _http(rig: Rig) -> AsyncIterator[Device]:
    """Over TLS of an authority of its own, a handshake each time."""
    certificate = make_certificate(rig.folder / "device")
    server = _Device(certificate.server_context())
    async with server.running():
        device = Device(
            f'kind = "http"\nurl = "{server.address}/light"\nbody = "{{hex}}"\n'
            f'pace = 0.1\nca_file = "{certificate.ca_file}"'
        )
        server.called = device.called
        yield device


@asynccontextmanager
async def _wled(_rig: Rig) -> AsyncIterator[Device]:
    """A write is noted when the strip has read it."""
    strip = WledStrip()
    async with strip.running():
        device = Device(f'kind = "wled"\nhost = "{strip.address.removeprefix("http://")}"')

        async def called() -> None:
            device.called()

        strip.before = called
        yield device


@asynccontextmanager
async def _command(rig: Rig) -> AsyncIterator[Device]:
    """A shell script that says a word on a pipe; it is the start of that which takes its time."""
    pipe, program = rig.folder / "told", rig.folder / "lamp.sh"
    os.mkfifo(pipe)
    program.write_text(f"#!/bin/sh\necho x >{pipe}\n", encoding="ascii")
    program.chmod(0o755)
    device = Device(f'kind = "command"\npace = 0.1\ncommand = ["{program}", "{{hex}}"]')
    loop, end = asyncio.get_running_loop(), os.open(pipe, os.O_RDWR | os.O_NONBLOCK)

    def read() -> None:
        os.read(end, 64)
        device.called()

    loop.add_reader(end, read)
    try:
        yield device
    finally:
        loop.remove_reader(end)
        os.close(end)
        pipe.unlink()


@asynccontextmanager
async def _virtual(rig: Rig) -> AsyncIterator[Device]:
    """What Home Assistant hears: a second way through the broker is in the figure."""
    device = Device('kind = "virtual"')
    async with _client(rig) as client, asyncio.TaskGroup() as tasks:
        await client.subscribe(rig.topics.light("lamp", "state"), qos=1)
        hearing = tasks.create_task(_on_message(client, device))
        yield device
        hearing.cancel()


async def _on_message(client: aiomqtt.Client, device: Device) -> None:
    async for message in client.messages:
        if not message.retain:
            device.called()


@asynccontextmanager
async def _watched(config: str, rig: Rig) -> AsyncIterator[Device]:
    """In the driver's process: mock pins, or a hidapi or spidev below the real libraries."""
    async with wired(rig.folder / f"wires{len(config)}") as wires:
        device = Device(config, wires.environment)
        wires.changed = lambda _: device.called()
        yield device


@asynccontextmanager
async def _lan(make: Callable[[], Any], kind: str, _rig: Rig) -> AsyncIterator[Device]:
    """A lamp on the loopback network at a given address: no search is in the figure."""
    lamp = make()
    device = Device(f'kind = "{kind}"\nhost = "127.0.0.1"\nport = {lamp.port}')
    device.alone = ALONE.get(kind, "").format(port=lamp.port)
    if kind == "yeelight":
        device.rest_s = 1.4  # it takes sixty commands a minute
    lamp.queued.wrote = device.called
    await lamp.plug()
    try:
        yield device
    finally:
        await lamp.unplug()


ALONE = {
    "lifx": """
import asyncio
asyncio.run(lifx.Device.connect("127.0.0.1", port={port}))"""
}
"""Two connections that it opens to know the lamp end 0.1 s later each."""
_PINS = 'kind = "gpio"\npins = { red = 17, green = 27, blue = 22 }'
_USB = 'kind = "usb"'
LIBRARIES = {"gpio": _PINS, "usb": _USB}
"""Their memory is measured with the real lgpio and hidapi as well; the larger figure counts."""
DEVICES: dict[str, Callable[[Rig], AbstractAsyncContextManager[Device]]] = {
    "command": _command,
    "console": _console,
    "http": _http,
    "hue": _hue,
    "lifx": partial(_lan, LifxLamp, "lifx"),
    "pixels": partial(_watched, 'kind = "pixels"\nleds = 12'),
    "serial": _serial,
    "mqtt": _mqtt,
    "gpio": partial(_watched, _PINS),
    "usb": partial(_watched, _USB),
    "virtual": _virtual,
    "wiz": partial(_lan, WizBulb, "wiz"),
    "wled": _wled,
    "yeelight": partial(_lan, lambda: Yeelight(time.monotonic), "yeelight"),
}
