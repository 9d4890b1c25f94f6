"""Every kind of light with a device behind it that can be watched, unplugged and made to hang.

A rig opens its light as the runner does, by ``kind.open``; only busylight-core, which looks for
real USB sockets, has its look passed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gpiozero
from aiohttp import web
from gpiozero.pins.mock import MockFactory, MockPWMPin
from pydantic import BaseModel

from bridge.config.tables.base import Settings
from bridge.contract.light import LightState
from bridge.demo.certificate import make_certificate
from drivers import (
    command,
    console,
    gpio,
    http_light,
    hue,
    mqtt_light,
    pixels_lamp,
    serial_lamp,
    usb,
    virtual,
    wled_light,
)
from drivers.base import Kind, Light, Surroundings
from drivers.blocking import OnDemand
from drivers.gpio import GpioOptions
from drivers.http_light.options import HttpOptions
from drivers.hue.api import HubLight
from drivers.hue.looks import body_for, shows
from drivers.hue.options import HueOptions
from drivers.mqtt_light.options import MqttOptions
from drivers.pixels_lamp import PixelsOptions, levels
from drivers.serial_lamp.options import SerialOptions
from drivers.testing import FakeBus, Gate, Rig
from drivers.usb import UsbLight
from drivers.usb.busylights import UsbOptions, connect
from drivers.wled_light import WledOptions
from tests.fakes.gpio_pins import LgpioError, duty
from tests.fakes.http_devices import HomeMade, WledStrip
from tests.fakes.hue_hub import HueHub, color_light
from tests.fakes.mqtt_light_devices import TasmotaLight, ZigbeeBulb
from tests.fakes.serial_boards import (
    WLED_BOOT,
    AdalightStrip,
    LineBoard,
    SilentBoard,
    WledBoard,
)
from tests.fakes.serial_pty import Plug
from tests.fakes.spi_strip import SpiStrip
from tests.fakes.usb_hardware import Usb, Wire


class Terminal(io.StringIO):
    """What stdout is redirected to; the disk behind it can be full."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


LAMP = """#!/bin/sh
cd "$1" || exit
[ -e unplugged ] && exit 1
[ -e hang ] && touch reached
while [ -e hang ]; do sleep 0.02; done
echo "$2" >>looks
"""


class FileGate(Gate):
    """For a device that is a program: it hangs while there is a file."""

    def __init__(self, folder: Path) -> None:
        self._hang, self._reached = folder / "hang", folder / "reached"

    def shut(self) -> None:
        self._reached.unlink(missing_ok=True)
        self._hang.touch()

    def open(self) -> None:
        self._hang.unlink(missing_ok=True)

    @property
    def is_shut(self) -> bool:
        return self._hang.exists()

    @property
    def reached(self) -> bool:  # type: ignore[override]
        return self._reached.exists()


class CommandRig(Rig):
    """A program that writes down what it is told."""

    gate: Gate
    patience_s = 1.0

    def __init__(self, folder: Path) -> None:
        self._folder, self.gate = folder, FileGate(folder)
        (folder / "looks").touch()
        program = folder / "lamp"
        program.write_text(LAMP, encoding="utf-8")
        program.chmod(0o755)
        options = command.CommandOptions(command=(str(program), str(folder), "{hex}"), pace=0.1)
        self.options: BaseModel = options
        self.kind: Kind[Any] = command.tailored(options)

    @property
    def _lines(self) -> list[str]:
        return (self._folder / "looks").read_text(encoding="utf-8").splitlines()

    def shows(self, state: LightState) -> bool:
        return self._lines[-1:] == [bytes(state.rgb).hex()]

    @property
    def looks(self) -> int:
        return len(self._lines)

    async def unplug(self) -> None:
        (self._folder / "unplugged").touch()

    async def plug(self) -> None:
        (self._folder / "unplugged").unlink(missing_ok=True)


class ConsoleRig(Rig):
    options: BaseModel = Settings()

    def __init__(self) -> None:
        self._terminal = Terminal()
        self.kind: Kind[Any] = replace(console.KIND, open=self._open)

    @asynccontextmanager
    async def _open(self, options: Settings, around: Surroundings) -> AsyncIterator[Light]:
        """In here and not in ``running``: pytest puts its own stdout there before each test."""
        with contextlib.redirect_stdout(self._terminal):
            async with console.KIND.open(options, around) as light:
                yield light

    @property
    def _lines(self) -> list[str]:
        return [line.split(maxsplit=2)[2] for line in self._terminal.getvalue().splitlines()]

    def shows(self, state: LightState) -> bool:
        words = "#{:02x}{:02x}{:02x}".format(*state.rgb) if state.on else "off"
        return bool(self._lines) and self._lines[-1].split()[0] == words

    @property
    def looks(self) -> int:
        return len(self._lines)

    async def unplug(self) -> None:
        self._terminal.full = True

    async def plug(self) -> None:
        self._terminal.full = False


class CountedLight(virtual.VirtualLight):
    """Notes in its rig how often it was given a look."""

    def __init__(self, rig: VirtualRig) -> None:
        super().__init__()
        self._rig = rig

    async def apply(self, state: LightState) -> None:
        self._rig.count += 1
        await super().apply(state)


class VirtualRig(Rig):
    """No device: what a look is given to is the light itself."""

    options: BaseModel = Settings()
    restores = True
    can_be_away = False

    def __init__(self) -> None:
        self.kind: Kind[Any] = replace(virtual.KIND, open=self._open)
        self._light, self.count = virtual.VirtualLight(), 0

    @asynccontextmanager
    async def _open(self, _options: Settings, _around: Surroundings) -> AsyncIterator[Light]:
        self._light = CountedLight(self)
        yield self._light

    def shows(self, state: LightState) -> bool:
        return self._light.shown is not None and self._light.shown.rgb == state.rgb

    def as_found(self) -> bool:
        return self._light.shown is None

    @property
    def looks(self) -> int:
        return self.count

    async def unplug(self) -> None:
        """Nothing has power."""

    async def plug(self) -> None:
        """As above."""


class HttpRig(Rig):
    """Over TLS of its own authority, with a password."""

    gate: Gate
    patience_s = 1.0

    def __init__(self, folder: Path) -> None:
        self.gate = Gate()
        self._folder = folder
        certificate = make_certificate(folder / "tls")
        self._device = HomeMade(certificate.server_context())
        self._device.before = self._hang
        (folder / "password").write_text("open sesame", encoding="utf-8")
        self._ca_file = certificate.ca_file
        self.kind: Kind[Any] = http_light.KIND

    async def _hang(self) -> None:
        await asyncio.to_thread(self.gate.wait, all_of_them=True)

    def _fit(self) -> None:
        options = HttpOptions.model_validate(
            {
                "url": f"{self._device.address}/light",
                "method": "PUT",
                "body": '{"hex":"{hex}","text":"{look}"}',
                "username": "desk",
                "password_file": self._folder / "password",
                "ca_file": self._ca_file,
                "pace": 0.1,
            }
        )
        self.options, self.kind = options, http_light.tailored(options)

    def shows(self, state: LightState) -> bool:
        return self._device.shows == (any(state.rgb), state.rgb)

    @property
    def looks(self) -> int:
        return self._device.looks

    async def plug(self) -> None:
        await self._device.plug()
        self._fit()

    async def unplug(self) -> None:
        await self._device.unplug()


class SlowHub(HueHub):
    """A hub whose lamps take their time to obey, one after the other."""

    gate: Gate

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            await asyncio.to_thread(self.gate.wait, all_of_them=True)
        return await super()._answer(request)


async def _nobody(_: str) -> None:
    """What the network of this machine announces is not listened to."""


class HueRig(Rig):
    kind: Kind[Any] = replace(hue.KIND, open=partial(hue.opened, search=_nobody))
    gate: Gate
    restores = True

    def __init__(self, folder: Path) -> None:
        self.gate = Gate()
        self._hub = SlowHub(folder, lights={"1": color_light("Desk")})
        self._hub.gate = self.gate
        self._before = self._found()
        self._power = contextlib.AsyncExitStack()

    def shows(self, state: LightState) -> bool:
        light = HubLight.model_validate(self._hub.lights["1"])
        return shows(light, body_for(state, [light]))

    def as_found(self) -> bool:
        return self._found() == self._before

    def _found(self) -> dict[str, Any]:
        """All but xy, which a lamp in ct mode does not show."""
        return {key: value for key, value in self._hub.values().items() if key != "xy"}

    @property
    def looks(self) -> int:
        return len(self._hub.puts)

    async def unplug(self) -> None:
        await self._power.aclose()

    async def plug(self) -> None:
        await self._power.enter_async_context(self._hub.running())

    @asynccontextmanager
    async def running(self, around: Surroundings) -> AsyncIterator[None]:
        async with self._power:
            await self.plug()
            self.options = HueOptions(hub=self._hub.address, light="Desk")
            self._hub.link_button = True
            assert self.kind.pair is not None
            await self.kind.pair(self.options, around)
            try:
                yield
            finally:
                self.gate.open()


class MqttRig(Rig):
    restores = True

    def __init__(self, bus: FakeBus, device: Any, options: MqttOptions) -> None:
        self.options = options
        self.kind: Kind[Any] = replace(mqtt_light.tailored(options), open=self._open)
        self._bus, self._device, self._before = bus, device, device.shows
        self._has_power = True
        bus.device = device

    @asynccontextmanager
    async def _open(self, options: MqttOptions, around: Surroundings) -> AsyncIterator[Light]:
        """The broker delivers what it has stored to whoever subscribes."""
        async with mqtt_light.KIND.open(options, around) as light:
            self._tell(stored=True)
            yield light

    def shows(self, state: LightState) -> bool:
        on, full, color = self._device.shows
        if not (on and state.on):
            return bool(on == state.on)
        folded = isinstance(self._device, TasmotaLight)
        brightest = {ZigbeeBulb: 254}.get(type(self._device), 255)
        wanted = 255 if folded else round(state.brightness * brightest)
        return bool((full, color) == (wanted, state.rgb if folded else state.color))

    def as_found(self) -> bool:
        return bool(self._device.shows == self._before)

    @property
    def looks(self) -> int:
        told = [message.topic for message in self._bus.published]
        return len([topic for topic in told if not topic.endswith(("/get", "/State"))])

    async def unplug(self) -> None:
        self._has_power, self._bus.device = False, None
        self._tell(stored=False)

    async def plug(self) -> None:
        self._has_power, self._bus.device = True, self._device
        self._tell(stored=False)

    def _tell(self, *, stored: bool) -> None:
        """What the device says when it comes, or its last will."""
        for topic, payload, retain in self._device.hello():
            assert retain
            said = payload if self._has_power else payload.replace(b"nline", b"ffline")
            if self._has_power or stored or said != payload:
                self._bus.tell(topic, said, stored=stored)

    @asynccontextmanager
    async def running(self, around: Surroundings) -> AsyncIterator[None]:
        yield


class GpioRig(Rig):
    """An RGB LED on gpiozero's mock pins; it goes dark when the pins are given back."""

    kind: Kind[Any] = gpio.KIND
    gate: Gate
    options: BaseModel = GpioOptions(pins={"red": 17, "green": 27, "blue": 22}, gamma=1)
    stays_lit = False

    def __init__(self) -> None:
        self.gate = gate = Gate()
        rig = self
        self._broken, self._looks = False, 0

        class Pin(MockPWMPin):  # type: ignore[misc]  # it has no types
            def _set_state(self, value: Any) -> None:
                gate.wait()
                if rig._broken:
                    raise LgpioError("bad handle")
                if self.info.name == "GPIO17" and self._state != value:
                    rig._looks += 1
                super()._set_state(value)

        self._pi = MockFactory(pin_class=Pin)

    def shows(self, state: LightState) -> bool:
        now = [duty(self._pi, number) for number in (17, 27, 22)]
        part = state.brightness if state.on else 0
        return all(
            abs(level - channel / 255 * part) < 1e-6
            for level, channel in zip(now, state.color, strict=True)
        )

    @property
    def looks(self) -> int:
        return self._looks

    async def unplug(self) -> None:
        self._broken = True

    async def plug(self) -> None:
        self._broken = False

    @asynccontextmanager
    async def running(self, around: Surroundings) -> AsyncIterator[None]:
        gpiozero.Device.pin_factory = self._pi
        try:
            yield
        finally:
            self.gate.open()
            gpiozero.Device.pin_factory = None


class SlowStrip(SpiStrip):
    gate: Gate

    def xfer3(self, data: Sequence[int]) -> None:
        self.gate.wait()
        super().xfer3(data)


class PixelsRig(Rig):
    def __init__(self) -> None:
        self.gate, self._strip = Gate(), SlowStrip(leds=3)
        self._strip.gate = self.gate
        self.options = PixelsOptions(leds=3)
        self.kind: Kind[Any] = replace(
            pixels_lamp.KIND, open=partial(pixels_lamp.opened, make=lambda: self._strip)
        )

    def shows(self, state: LightState) -> bool:
        assert isinstance(self.options, PixelsOptions)
        red, green, blue, _ = levels(state, self.options)
        return self._strip.frames[-1:] == [[(green, red, blue)] * 3]

    @property
    def looks(self) -> int:
        """A frame that says the same again is no look."""
        return len([1 for number in range(len(self._strip.frames)) if self._is_new(number)])

    def _is_new(self, number: int) -> bool:
        return number == 0 or self._strip.frames[number] != self._strip.frames[number - 1]

    async def unplug(self) -> None:
        self._strip.broken = True

    async def plug(self) -> None:
        self._strip.broken = False


class SlowWire(Wire):
    gate: Gate

    def write(self, data: bytes) -> int:
        self.gate.wait()
        return super().write(data)


class SlowUsb(Usb):
    def plug(self, product: str, serial: str = "") -> SlowWire:
        wire = SlowWire()
        self._wires.append((product, serial, wire))
        return wire


class UsbRig(Rig):
    options: BaseModel = UsbOptions()

    def __init__(self) -> None:
        self.gate, self._usb = Gate(), SlowUsb()
        self._wire = self._usb.plug("blink1", "2000")
        self._wire.gate = self.gate
        self.kind: Kind[Any] = replace(usb.KIND, open=self._open)

    @asynccontextmanager
    async def _open(self, options: UsbOptions, around: Surroundings) -> AsyncIterator[Light]:
        """As ``drivers.usb`` does, but for the sockets."""
        async with OnDemand(
            "usb-contract",
            lambda: connect(options, self._usb.look),
            what=f"{around.name}: the light",
        ) as busylight:
            yield UsbLight(busylight)

    def shows(self, state: LightState) -> bool:
        told = bytes((1, ord("c"), *state.rgb, 0, 10, 0))
        return self._wire.sent[-1:] == [told]

    @property
    def looks(self) -> int:
        return len(self._wire.sent)

    async def unplug(self) -> None:
        self._wire.plugged = False

    async def plug(self) -> None:
        self._wire.replug()


class SlowPlug(Plug):
    """A board that does not read while its gate is shut."""

    gate: Gate

    def _receive(self) -> None:
        if self.gate.is_shut:
            self.gate.reached = True
            self.deafen()
        else:
            super()._receive()


class SerialRig(Rig):
    kind: Kind[Any] = serial_lamp.KIND

    def __init__(self, folder: Path, board: SilentBoard, protocol: str, boot_s: float) -> None:
        self._board, self.restores = board, protocol == "wled"
        self._plug = SlowPlug(folder / "ttyUSB0", board)
        self._plug.gate = Gate(self._plug.listen)
        self.gate = None if protocol == "adalight" else self._plug.gate
        values = {"protocol": protocol, "port": str(self._plug.path), "boot": boot_s}
        if protocol != "wled":
            values["gamma"] = 1
        self.options = SerialOptions.model_validate(values)

    def shows(self, state: LightState) -> bool:
        match self._board:
            case LineBoard() as board:
                return board.shown.startswith(bytes(state.rgb).hex())
            case AdalightStrip() as strip:
                return strip.frames[-1:] == [[state.rgb]]
            case WledBoard() as wled:
                level = round(state.brightness * 255) if state.on else wled.state["bri"]
                color = state.color if state.on else (0, 0, 0)
                return wled.colors == [color] * 2 and wled.state["bri"] == level
        return False

    def as_found(self) -> bool:
        assert isinstance(self._board, WledBoard)
        return self._board.state == WLED_BOOT

    @property
    def looks(self) -> int:
        match self._board:
            case LineBoard() as board:
                return len([line for line in board.told if line.startswith("show")])
            case AdalightStrip() as strip:
                return len({frame[0] for frame in strip.frames})
            case WledBoard() as wled:
                return len(wled.told)
        return 0

    async def unplug(self) -> None:
        self._plug.unplug()

    async def plug(self) -> None:
        self._plug.plug()


class WledRig(Rig):
    kind: Kind[Any] = wled_light.KIND
    gate: Gate
    patience_s = 0.5
    restores = True

    def __init__(self, *segments: int) -> None:
        self.gate, self._segments, self._strip = Gate(), segments, WledStrip()
        self._strip.before = self._hang
        self._before = deepcopy(WLED_BOOT)

    async def _hang(self) -> None:
        await asyncio.to_thread(self.gate.wait, all_of_them=True)

    def shows(self, state: LightState) -> bool:
        board = self._strip.board
        if not state.on or not any(state.rgb):
            ours = [c for s, c in zip(board.state["seg"], board.colors, strict=True) if self._is(s)]
            return not any(any(color) for color in ours)
        level = round(state.brightness * 255)
        return all(
            color == state.color and level == (segment if self._segments else board.state)["bri"]
            for segment, color in zip(board.state["seg"], board.colors, strict=True)
            if self._is(segment)
        )

    def _is(self, segment: dict[str, Any]) -> bool:
        return not self._segments or segment["id"] in self._segments

    def as_found(self) -> bool:
        state = self._strip.board.state
        if not self._segments:
            return state == self._before
        return bool(state["on"]) and state["seg"] == self._before["seg"]

    @property
    def looks(self) -> int:
        return len(self._strip.board.told)

    async def plug(self) -> None:
        await self._strip.plug()
        host = self._strip.address.removeprefix("http://")
        self.options = WledOptions(host=host, segments=self._segments)

    async def unplug(self) -> None:
        await self._strip.unplug()
