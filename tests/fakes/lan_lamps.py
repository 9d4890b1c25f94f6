"""Lamps on the loopback network that can be unplugged, moved and made to hang.

The LIFX lamp is lifx-emulator's and the WiZ bulb pywizlight's own test server, both made stricter;
the Yeelight is ours, and refuses what "Yeelight WiFi Light Inter-Operation Specification" refuses.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from lifx_emulator import EmulatedLifxServer, create_color_light
from lifx_emulator.devices import DeviceManager
from lifx_emulator.devices.device import EmulatedLifxDevice
from lifx_emulator.repositories import DeviceRepository
from pywizlight.protocol import WizProtocol
from pywizlight.tests import fake_bulb

from drivers.testing import Gate


def free_port(kind: int) -> int:
    """A port of the loopback network that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _nothing() -> None:
    """Nobody measures."""


class Queued:
    """Takes what arrives in its order; while its gate is shut no write, and nothing after one."""

    def __init__(self) -> None:
        self.gate, self.wrote = Gate(self._take_up), _nothing
        """``wrote`` is called at each write."""
        self._waiting: list[Callable[[], None]] = []

    def later(self, do: Callable[[], None], *, writes: bool) -> None:
        if writes:
            self.wrote()
        if self.gate.is_shut and (writes or self._waiting):
            self.gate.reached = True
            self._waiting.append(do)
        else:
            do()

    def _take_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        for do in waiting:
            do()


SET_COLOR, SET_POWER = 102, 117
WRITES = (SET_COLOR, SET_POWER)


def _type_of(packet: bytes) -> int:
    return int.from_bytes(packet[32:34], "little")


class _Server(EmulatedLifxServer):  # type: ignore[misc]  # it has no types
    """Takes a datagram when the gate is open."""

    lamp: LifxLamp

    async def handle_packet(self, data: bytes, *args: Any, **keywords: Any) -> None:
        opened = asyncio.Event()
        self.lamp.queued.later(opened.set, writes=_type_of(data) in WRITES)
        await opened.wait()
        self.lamp.note(data)
        await super().handle_packet(data, *args, **keywords)


class LifxLamp:
    """A colour lamp called Desk; ``told`` has what it was told to show."""

    def __init__(self, product: Callable[..., EmulatedLifxDevice] = create_color_light) -> None:
        self.queued, self.port = Queued(), free_port(socket.SOCK_DGRAM)
        self.device = product("d073d5000001")
        self.device.state.port = self.port
        self.device.state.label = "Desk"
        self.device.state.power_level = 65535
        self.devices = [self.device]
        """All that answer at its address."""
        self.told: list[bytes] = []
        """The colours, without their headers."""
        self._server: _Server | None = None

    def note(self, packet: bytes) -> None:
        if _type_of(packet) == SET_COLOR and self.told[-1:] != [packet[36:]]:
            self.told.append(packet[36:])

    async def plug(self) -> None:
        if self._server is None:
            manager = DeviceManager(DeviceRepository())
            self._server = _Server(self.devices, manager, "127.0.0.1", self.port)
            self._server.lamp = self
            await self._server.start()

    async def unplug(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            self.queued.gate.open()
            await server.stop()

    def move(self) -> None:
        """Get another address, as routers give them."""
        self.port = free_port(socket.SOCK_DGRAM)
        self.device.state.port = self.port


class WizBulb(fake_bulb.BulbUDPRequestHandler):  # type: ignore[misc]  # it has no types
    """pywizlight's own bulb, which refuses what a bulb refuses and shows one mode at a time."""

    def __init__(self, model: str = "ESP01_SHRGB_03", firmware: str = "1.25.0") -> None:
        self.queued, self.port = Queued(), free_port(socket.SOCK_DGRAM)
        self.pilot_state = fake_bulb.get_initial_pilot()
        self.shown: dict[str, Any] = self.pilot_state["result"]
        self.shown.update(state=True, temp=2700, dimming=50, r=0, g=0, b=0, c=0, w=0)
        self.sys_config = fake_bulb.get_initial_sys_config(model, firmware)
        self.model_config = fake_bulb.get_initial_model_config(model, firmware)
        self.user_config = fake_bulb.get_initial_user_config(model, firmware)
        self.mac = str(self.sys_config["result"]["mac"])
        result = {"mac": self.mac, "success": True}
        self.registration = {"method": "registration", "env": "pro", "result": result}
        self.get_power = fake_bulb.get_power(model, firmware)
        self.transport: Any = None
        self.told: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def handle(self, resp: bytes, addr: tuple[str, int]) -> None:
        writes = b"setPilot" in resp
        self.queued.later(lambda: self._answer(resp, addr), writes=writes)

    def _answer(self, resp: bytes, addr: tuple[str, int]) -> None:
        self.asked.append(str(json.loads(resp)["method"]))
        if self.transport is not None:
            with redirect_stdout(None):  # it prints each request
                super().handle(resp, addr)

    def setPilot(self, json_data: dict[str, Any]) -> bytes:  # noqa: N802 - theirs
        params = json_data["params"]
        ranges = {"dimming": (10, 100), "temp": (1000, 10000), "sceneId": (1, 1000)}
        for key, value in params.items():
            least, most = ranges.get(key, (0, 255))
            if not least <= value <= most:
                refused = {"code": -32602, "message": "Invalid params"}
                return json.dumps({"method": "setPilot", "env": "pro", "error": refused}).encode()
        if not self.told or self.told[-1] != params:
            self.told.append(params)
        if params.keys() & {"temp", "sceneId", "r"}:
            self.shown.update(temp=0, sceneId=0, r=0, g=0, b=0, c=0, w=0)
        done: bytes = super().setPilot(json_data)
        return done

    async def plug(self) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: WizProtocol(on_response=self.handle), local_addr=("127.0.0.1", self.port)
        )
        self.transport = transport

    async def unplug(self) -> None:
        if self.transport is not None:
            self.transport.close()
            self.transport = None
            await asyncio.sleep(0)


class Yeelight:
    """A lamp in LAN mode. Sections are those of the specification."""

    QUOTA = 60
    """Commands a minute and connection (4.2)."""

    def __init__(self, now: Callable[[], float], *, has_colors: bool = True) -> None:
        self.queued, self.port = Queued(), free_port(socket.SOCK_STREAM)
        self.id = "0x00000000037073d2"
        self.shown = dict.fromkeys(("power", "bright", "ct", "color_mode", "flowing"), "")
        self.shown |= {"power": "on", "bright": "40", "ct": "2700", "color_mode": "2"}
        self.shown |= {"flowing": "0", "flow_params": "", "hue": "", "sat": "", "rgb": ""}
        if has_colors:
            self.shown |= {"rgb": "16711680", "hue": "359", "sat": "100"}
        self.told: list[tuple[Any, ...]] = []
        self.refused: list[Any] = []
        self._has_colors, self._now = has_colors, now
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            self._server = None
            await asyncio.sleep(0)

    def say(self, **changed: str) -> None:
        """Somebody changes it: all who are connected hear of it (4.3)."""
        self.shown.update(changed)
        line = json.dumps({"method": "props", "params": changed}) + "\r\n"
        for writer in self._writers:
            writer.write(line.encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        taken: deque[float] = deque()
        try:
            while line := await reader.readline():
                writes = b"get_prop" not in line
                self.queued.later(partial(self._answer, line, writer, taken), writes=writes)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, line: bytes, writer: asyncio.StreamWriter, taken: deque[float]) -> None:
        asked = json.loads(line)
        while taken and taken[0] <= self._now() - 60:
            taken.popleft()
        taken.append(self._now())
        answer: dict[str, Any] = {"id": asked["id"], "result": ["ok"]}
        try:
            if len(taken) > self.QUOTA:
                raise ValueError("client quota exceeded")
            if asked["method"] == "get_prop":
                answer["result"] = [self.shown.get(name, "") for name in asked["params"]]
            else:
                before = dict(self.shown)
                self._do(asked["method"], asked["params"])
                self._note((asked["method"], *asked["params"]))
                now = {key: value for key, value in self.shown.items() if value != before[key]}
                self.say(**now)
        except ValueError as error:
            self.refused.append((asked, str(error)))
            del answer["result"]
            answer["error"] = {"code": -1, "message": str(error)}
        if not writer.is_closing():
            writer.write((json.dumps(answer) + "\r\n").encode())

    def _note(self, command: tuple[Any, ...]) -> None:
        if not self.told or self.told[-1] != command:
            self.told.append(command)

    def _do(self, method: str, params: list[Any]) -> None:
        """Section 4.1; only the main light."""
        match method, params:
            case "set_power", ["on" | "off" as power, "smooth" | "sudden", int(ms)] if ms >= 30:
                self.shown |= {"power": power, "flowing": "0"}
            case "set_bright", [int(bright), "smooth" | "sudden", int()] if (
                self.shown["power"] == "on" and 1 <= bright <= 100
            ):
                self.shown |= {"bright": str(bright), "flowing": "0"}
            case "set_scene", ["color", int(rgb), int(bright)] if (
                self._has_colors and 0 <= rgb < (1 << 24) and 1 <= bright <= 100
            ):
                self._lit(bright, "1", rgb=str(rgb))
            case "set_scene", ["ct", int(kelvin), int(bright)] if (
                1700 <= kelvin <= 6500 and 1 <= bright <= 100
            ):
                self._lit(bright, "2", ct=str(kelvin))
            case "set_scene", ["hsv", int(hue), int(sat), int(bright)] if (
                0 <= hue <= 359 and 0 <= sat <= 100 and 1 <= bright <= 100
            ):
                self._lit(bright, "3", hue=str(hue), sat=str(sat))
            case "set_scene", ["cf", int(count), int(action), str(flow)] if 0 <= action <= 2:
                self._check_flow(flow)
                params_now = f"{count},{action},{flow}"
                self.shown |= {"power": "on", "flowing": "1", "flow_params": params_now}
            case _:
                raise ValueError("invalid command")

    def _lit(self, bright: int, mode: str, **values: str) -> None:
        self.shown |= {"power": "on", "bright": str(bright), "color_mode": mode, "flowing": "0"}
        self.shown |= values

    def _check_flow(self, flow: str) -> None:
        numbers = [int(number) for number in flow.split(",")]
        if not numbers or len(numbers) % 4:
            raise ValueError("invalid params")
        for at in range(0, len(numbers), 4):
            ms, mode, value, bright = numbers[at : at + 4]
            if ms < 50 or mode not in (1, 2, 7):
                raise ValueError("invalid params")
            if mode != 7 and not (bright == -1 or 1 <= bright <= 100):
                raise ValueError("invalid params")
            if mode == 2 and not 1700 <= value <= 6500:
                raise ValueError("invalid params")

    def advertises(self) -> bytes:
        """The answer to a search (3.1)."""
        return (
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nDate:\r\nExt:\r\n"
            f"Location: yeelight://127.0.0.1:{self.port}\r\nServer: POSIX, UPnP/1.0 YGLC/1\r\n"
            f"id: {self.id}\r\nmodel: color\r\nfw_ver: 18\r\npower: on\r\nname: Desk\r\n"
        ).encode()


class Crowd(asyncio.DatagramProtocol):
    """A WiZ bulb and a Yeelight that answer twice, among others who answer what is no lamp."""

    OTHERS = (
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"result": {"mac": 7}}',
        b'{"result": {"mac": "no mac\\n[mqtt]"}}',
        b"HTTP/1.1 200 OK\r\nLocation: yeelight://127.0.0.1:x\r\nid: 0x0000000000000001\r\n",
        b"HTTP/1.1 200 OK\r\nLocation: yeelight://127.0.0.1:55443\r\nid: 1\r\n",
    )

    def __init__(self, bulb: WizBulb, lamp: Yeelight) -> None:
        self._ours = lamp.advertises(), json.dumps(bulb.registration).encode()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for answer in (*self.OTHERS, *self._ours, *self._ours):
            self._transport.sendto(answer, addr)


class SearchAnswers(asyncio.DatagramProtocol):
    """Answers a search for Yeelights, and nothing else."""

    def __init__(self, lamp: Yeelight) -> None:
        self._lamp = lamp

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        lines = data.decode().split("\r\n")
        wanted = {'MAN: "ssdp:discover"', "ST: wifi_bulb"}
        if lines[0] == "M-SEARCH * HTTP/1.1" and wanted <= set(lines):
            self._transport.sendto(self._lamp.advertises(), addr)
