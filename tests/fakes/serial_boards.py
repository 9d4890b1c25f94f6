"""Boards on a serial line, byte by byte and strict; never a pty, see ``serial_pty``."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

Color = tuple[int, int, int]


class SilentBoard:
    """Takes everything and answers nothing."""

    def __init__(self) -> None:
        self.heard = b""

    def receive(self, data: bytes) -> bytes:
        self.heard += data
        return b""

    def restart(self) -> bytes:
        """What it says when it starts."""
        self.heard = b""
        return b""


class AdalightStrip(SilentBoard):
    """Reads frames; a wrong check byte or anything between two frames is an error."""

    def __init__(self, *, says_ada: bool = True) -> None:
        super().__init__()
        self.frames: list[list[Color]] = []
        self._says_ada = says_ada

    def restart(self) -> bytes:
        super().restart()
        return b"Ada\n" if self._says_ada else b""

    def receive(self, data: bytes) -> bytes:
        self.heard += data
        while len(self.heard) >= 6:
            magic, (high, low, check) = self.heard[:3], self.heard[3:6]
            assert magic == b"Ada", self.heard
            assert check == high ^ low ^ 0x55, self.heard
            end = 6 + 3 * (256 * high + low + 1)
            if len(self.heard) < end:
                break
            body, self.heard = self.heard[6:end], self.heard[end:]
            pixels = zip(*[iter(body)] * 3, strict=True)
            self.frames.append([(red, green, blue) for red, green, blue in pixels])
        return b""


class LineBoard(SilentBoard):
    """Speaks our protocol as the sketch does, without its watchdog."""

    def __init__(self, hello: bytes = b"hello presence-lamp 1 pwm") -> None:
        super().__init__()
        self.hello = hello
        self.told: list[str] = []
        self.shown = "000000 waiting 0"
        self.garbles = 0
        """So many of the next lines arrive broken."""

    def restart(self) -> bytes:
        super().restart()
        self.shown = "000000 waiting 0"
        return b"\x00\xffboot" + self.hello + b"\r\n"

    def receive(self, data: bytes) -> bytes:
        *lines, self.heard = (self.heard + data).split(b"\n")
        return b"".join(self._answer(line.decode("ascii")) for line in lines if line)

    def _answer(self, line: str) -> bytes:
        if line == "hello":
            return self.hello + b"\r\n"
        if self.garbles:
            self.garbles -= 1
            return b"error 0 number\r\n"
        self.told.append(line)
        told = re.fullmatch(
            r"(show|ping|bye) (\d+)(?: ([0-9a-f]{6} (?:solid|blink|pulse) \d+))?", line
        )
        assert told, line
        command, number, shown = told.groups()
        assert (command == "show") == bool(shown), line
        self.shown = shown or self.shown
        return f"ok {number} {self.shown}\r\n".encode()


WLED_BOOT: dict[str, Any] = {
    "on": True,
    "bri": 128,
    "transition": 7,
    "ps": 4,
    "pl": -1,
    "nl": {"on": False, "dur": 60},
    "seg": [
        {"id": 0, "start": 0, "stop": 10, "len": 10, "on": True, "frz": False, "bri": 255}
        | {"col": [[255, 160, 0], [0, 0, 0], [0, 0, 0]], "fx": 9, "sx": 90, "ix": 40, "pal": 6},
        {"id": 2, "start": 10, "stop": 30, "len": 20, "on": False, "frz": False, "bri": 90}
        | {"col": [[8, 9, 10], [0, 0, 0], [0, 0, 0]], "fx": 0, "sx": 128, "ix": 128, "pal": 0},
    ],
}
"""Two segments, one of them with an effect, one off."""


class WledBoard(SilentBoard):
    """WLED's JSON over serial, as far as wled_serial.cpp and json.cpp go for what we send."""

    def __init__(self) -> None:
        super().__init__()
        self.state = deepcopy(WLED_BOOT)
        self.uptime = 5000
        self.busy = 0
        """So many of the next objects are refused."""
        self.told: list[dict[str, Any]] = []

    def restart(self) -> bytes:
        super().restart()
        self.state, self.uptime = deepcopy(WLED_BOOT), 1
        return b"ets Jul 29 2019 12:21:46\r\n{garbage\r\nWLED started\r\n"

    def receive(self, data: bytes) -> bytes:
        *lines, self.heard = (self.heard + data).split(b"\n")
        return b"".join(self._answer(json.loads(line)) for line in lines if line)

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if self.busy:
            self.busy -= 1
            return b'{"error":3}\r\n'
        if asked != {"v": True}:
            self.told.append(deepcopy(asked))
            self._change(asked)
        if not asked.pop("v", False):
            return b""
        answer = {"state": self.state, "info": {"ver": "0.15.0", "uptime": self.uptime}}
        return json.dumps(answer).encode() + b"\r\n"

    def _change(self, asked: dict[str, Any]) -> None:
        self.state |= {key: asked[key] for key in ("on", "bri") if key in asked}
        by_id = {segment["id"]: segment for segment in self.state["seg"]}
        for segment in asked.get("seg", ()):
            by_id[segment["id"]] |= segment
            self.state["pl"] = -1
        self.state["ps"] = asked.get("pd", -1)
        if "ps" in asked:
            self.state["pl"] = asked["ps"]

    @property
    def colors(self) -> list[Color]:
        """The first colour of each segment, black where it is off."""
        return [
            tuple(segment["col"][0]) if self.state["on"] and segment["on"] else (0, 0, 0)
            for segment in self.state["seg"]
        ]
