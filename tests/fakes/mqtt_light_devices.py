"""Lights on MQTT as their firmware behaves: strict about commands, each telling in its own words.

Sources: the documentation and code named in ``drivers/mqtt_light``. Pure: what a device hears goes
in, what it publishes comes out, so that they work on a fake bus and on a real broker.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

Told = list[tuple[str, bytes, bool]]
"""Topic, payload, retained."""


class Device(Protocol):
    shows: tuple[bool, int, tuple[int, int, int]]

    @property
    def commands(self) -> tuple[str, ...]: ...

    def hello(self) -> Told: ...

    def receive(self, topic: str, payload: bytes) -> Told: ...


def _rgb(color: dict[str, Any]) -> tuple[int, int, int]:
    red, green, blue = (color[key] for key in "rgb")
    assert all(isinstance(part, int) and 0 <= part <= 255 for part in (red, green, blue))
    return red, green, blue


@dataclass
class ZigbeeBulb:
    """A colour bulb behind zigbee2mqtt; tells nothing until asked or changed, and colours as xy.

    Without "color", or "brightness" too, among ``features`` it is a white bulb or a plug. One of
    several outputs has its name behind each key.
    """

    topic: str = "zigbee2mqtt/desk"
    shows: tuple[bool, int, tuple[int, int, int]] = (True, 100, (10, 20, 30))
    hue_and_saturation: dict[str, int] = field(default_factory=lambda: {"hue": 9, "saturation": 8})
    features: tuple[str, ...] = ("state", "brightness", "color")
    output: str = ""
    effect: str | None = None
    is_hue: bool = False
    """Its effects are the maker's own, ``colorloop`` too."""
    base: str = "zigbee2mqtt"
    others: dict[str, Any] = field(default_factory=dict)
    """What it tells of its other outputs."""

    @property
    def commands(self) -> tuple[str, ...]:
        return f"{self.topic}/set", f"{self.topic}/get"

    def hello(self) -> Told:
        return [
            (f"{self.base}/bridge/state", b'{"state":"online"}', True),
            (f"{self.topic}/availability", b'{"state":"online"}', True),
        ]

    def receive(self, topic: str, payload: bytes) -> Told:
        end = f"_{self.output}" if self.output else ""
        told = {key.removesuffix(end): value for key, value in json.loads(payload).items()}
        if topic.endswith("/get"):
            assert set(told) <= {"state", "brightness", "color"}
            return self.told()
        assert all(key.endswith(end) for key in json.loads(payload) if key != "transition")
        assert set(told) <= {"state", "brightness", "color", "transition", "effect"}
        on, brightness, color = self.shows
        on = told["state"] == "ON" if "state" in told else on
        brightness = told.get("brightness", brightness)
        assert isinstance(brightness, int)
        assert 0 <= brightness <= 254
        if "x" in told.get("color", {}):
            color = self._from_xy(told["color"])
        elif "color" in told:
            color = _rgb(told["color"])
        if "effect" in told:
            self._hear_effect(told["effect"])
        self.shows = (on, brightness, color)
        return self.told()

    def _hear_effect(self, effect: str) -> None:
        """As ``philips.ts`` and ``toZigbee.ts`` of zigbee-herdsman-converters have it."""
        if self.is_hue:
            assert effect in {
                "colorloop",
                "candle",
                "stop_colorloop",
                "stop_effect",
                "stop_hue_effect",
            }
            ends = effect in {"stop_effect", "stop_hue_effect"}
        else:
            assert effect in {"colorloop", "stop_colorloop", "stop_effect"}
            ends = effect == "stop_colorloop"
        if not effect.startswith("stop_"):
            self.effect = effect
        elif ends:
            self.effect = None

    def told(self) -> Told:
        on, brightness, (red, green, blue) = self.shows
        state: dict[str, Any] = {"state": "ON" if on else "OFF"}
        if "brightness" in self.features:
            state["brightness"] = brightness
        if "color" in self.features:
            state["color_mode"] = "xy"
            xy = {"x": red / 256 + blue / 65536, "y": green / 256}
            state["color"] = xy | self.hue_and_saturation
        if self.effect:
            state["effect"] = self.effect
        end = f"_{self.output}" if self.output else ""
        named = {f"{key}{end}": value for key, value in state.items()}
        payload = json.dumps(named | self.others | {"linkquality": 87})
        return [(self.topic, payload.encode(), False)]

    def _from_xy(self, color: dict[str, float]) -> tuple[int, int, int]:
        assert set(color) == {"x", "y"}
        x = round(color["x"] * 65536)
        return x // 256, round(color["y"] * 256), x % 256


@dataclass
class EspHomeLight:
    """An ESPHome light; its state is retained."""

    node: str = "desk"
    shows: tuple[bool, int, tuple[int, int, int]] = (True, 128, (1, 2, 3))
    effect: str = "None"
    """It goes on under any colour until it is ended (``light_call.cpp``)."""

    @property
    def topic(self) -> str:
        return f"{self.node}/light/lamp"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"{self.topic}/command",)

    def hello(self) -> Told:
        return [(f"{self.node}/status", b"online", True), *self.told()]

    def receive(self, topic: str, payload: bytes) -> Told:
        told = json.loads(payload)
        assert set(told) <= {"state", "brightness", "color", "transition", "effect"}
        assert type(told.get("transition", 0)) is int  # it drops others
        off = told["state"] == "OFF"
        self.effect = "None" if off else told.get("effect", self.effect)
        _, brightness, color = self.shows
        assert 0 <= told.get("brightness", 0) <= 255
        color = _rgb(told["color"]) if "color" in told else color
        self.shows = (told["state"] == "ON", told.get("brightness", brightness), color)
        return self.told()

    def told(self) -> Told:
        on, brightness, color = self.shows
        state = {
            "state": "ON" if on else "OFF",
            "brightness": brightness,
            "color_mode": "rgb",
            "color": dict(zip("rgb", color, strict=True)),
            "effect": self.effect,
        }
        return [(f"{self.topic}/state", json.dumps(state).encode(), True)]


@dataclass
class TasmotaLight:
    """A Tasmota light; brightness is part of the colour.

    ``sockets`` are relays before it; a ``plug`` has only those. ``words`` is its ``StateText``, and
    a ``scheme`` plays until a colour or another scheme is set.
    """

    name: str = "tasmota_desk"
    shows: tuple[bool, int, tuple[int, int, int]] = (False, 255, (0, 0, 255))
    full_topic: str = "%prefix%/%topic%"
    sockets: list[bool] = field(default_factory=list)
    is_plug: bool = False
    is_white: bool = False
    words: tuple[Any, Any] = ("OFF", "ON")
    scheme: int = 0
    online: bytes = b"Online"

    @property
    def commands(self) -> tuple[str, ...]:
        return (self._topic("cmnd", "+"),)

    def hello(self) -> Told:
        return [(self._topic("tele", "LWT"), self.online, True)]

    def receive(self, topic: str, payload: bytes) -> Told:
        return self._obey(topic.rpartition("/")[2], payload.decode())

    def tele(self) -> Told:
        """What it tells by itself every few minutes."""
        return [(self._topic("tele", "STATE"), self.told()[0][1], False)]

    def _obey(self, name: str, value: str) -> Told:  # noqa: PLR0911 - one a command
        _, full, color = self.shows
        if name == "Backlog":
            parts = [part.strip().partition(" ") for part in value.split(";")]
            return [told for name, _, value in parts for told in self._obey(name, value)]
        if power := re.fullmatch(r"Power(\d*)", name):
            return self._switch(int(power[1] or 1), value)
        if name.startswith("StateText"):
            assert not value
            return self._result({name: self.words[int(name[-1]) - 1]})
        if name == "State":
            assert not value
            return self.told()
        if name == "Color1" and not (self.is_plug or self.is_white):
            assert re.fullmatch(r"#[0-9A-F]{6}", value)
            red, green, blue = (int(value[at : at + 2], 16) for at in (1, 3, 5))
            self.shows, self.scheme = (True, full, (red, green, blue)), 0
            return self.told()
        if name == "Dimmer" and not self.is_plug:
            self.shows = (True, int(value), color)
            return self.told()
        if name == "Scheme" and not self.is_plug:
            self.scheme, self.shows = int(value), (True, full, color)
            return self.told()
        return self._result({"Command": "Unknown"})

    def _switch(self, number: int, value: str) -> Told:
        assert value in {"ON", "OFF"}
        if number <= len(self.sockets):
            self.sockets[number - 1] = value == "ON"
        else:
            assert number == len(self.sockets) + 1
            assert not (self.is_plug and self.sockets)
            self.shows = (value == "ON", *self.shows[1:])
        return self._result({self._power(number): self.words[value == "ON"]})

    def told(self) -> Told:
        on, full, color = self.shows
        states = list(self.sockets)
        if not (self.is_plug and self.sockets):
            states.append(on)
        state: dict[str, Any] = {"Time": "2026-11-26T09:00:00", "Wifi": {"RSSI": 70}}
        state |= {self._power(at + 1): self.words[lit] for at, lit in enumerate(states)}
        if self.is_white:
            state["Dimmer"] = full
        elif not self.is_plug:
            state |= {"Dimmer": 100, "Color": "{:02X}{:02X}{:02X}".format(*color)}
            state |= {"Scheme": self.scheme}
        return self._result(state)

    def _power(self, number: int) -> str:
        return f"POWER{number}" if self.sockets else "POWER"

    def _result(self, told: dict[str, Any]) -> Told:
        return [(self._topic("stat", "RESULT"), json.dumps(told).encode(), False)]

    def _topic(self, prefix: str, leaf: str) -> str:
        return f"{self.full_topic.replace('%prefix%', prefix).replace('%topic%', self.name)}/{leaf}"


@dataclass
class WledStrip:
    """A WLED strip with three presets; ``effect`` is the number that it plays."""

    topic: str = "wled/desk"
    shows: tuple[bool, int, tuple[int, int, int]] = (True, 40, (255, 160, 0))
    effect: int = 0
    speed: int = 128
    preset: int = 0
    retain: bool = True
    segment_is_on: bool = True

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"{self.topic}/api",)

    def hello(self) -> Told:
        return [(f"{self.topic}/status", b"online", True), *self.told()]

    def receive(self, topic: str, payload: bytes) -> Told:
        state = json.loads(payload)
        assert set(state) <= {"on", "bri", "seg", "ps", "tt", "nl"}
        _, brightness, color = self.shows
        if "ps" in state:
            assert state["ps"] in {1, 2, 3}
            self.preset = state["ps"]
            self.shows = (True, 200, (self.preset, self.preset, self.preset))
            return self.told()
        if "seg" in state:
            segment = state["seg"]
            assert set(segment) <= {"col", "fx", "sx", "ix", "pal", "on", "bri", "frz"}
            self.segment_is_on = segment.get("on", self.segment_is_on)
            red, green, blue = segment["col"][0]
            color, self.preset = (red, green, blue), 0
            self.effect = segment.get("fx", self.effect)
            self.speed = segment.get("sx", self.speed)
        self.shows = (state["on"], state.get("bri", brightness), color)
        return self.told()

    def told(self) -> Told:
        on, brightness, (red, green, blue) = self.shows
        xml = (
            f'<?xml version="1.0" ?><vs><ac>{brightness if on else 0}</ac>'
            f"<cl>{red}</cl><cl>{green}</cl><cl>{blue}</cl><cs>0</cs><cs>0</cs><cs>0</cs>"
            f"<ns>0</ns><nr>1</nr><nl>0</nl><nf>1</nf><nd>60</nd><nt>0</nt><fx>{self.effect}</fx>"
            f"<sx>{self.speed}</sx><ix>128</ix><fp>0</fp><wv>-1</wv><ws>0</ws>"
            f"<ps>{self.preset}</ps><cy>0</cy><ds>WLED <fx>9</fx></ds><ss>0</ss></vs>"
        )
        return [(f"{self.topic}/v", xml.encode(), self.retain)]
