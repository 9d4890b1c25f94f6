"""Lights that take JSON: zigbee2mqtt, ESPHome and whatever follows Home Assistant's schema. Pure.

Sources: Home Assistant documentation, "MQTT Light", JSON schema; zigbee2mqtt documentation, "MQTT
Topics and Messages"; ESPHome's ``light_json_schema.cpp``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bridge.contract.light import Effect, LightState
from bridge.contract.wire import Message, decode_json, encode_json
from drivers.mqtt_light.dialect import Frame, Seen, Told, command, is_lit, level

_KEYS = ("state", "brightness", "color_mode", "color", "color_temp", "effect")
_WARMEST_MIREDS = 500


@dataclass(frozen=True)
class JsonSchema:
    """One light with a JSON command topic."""

    command_topic: str
    state_topics: tuple[str, ...] = ()
    availability_topics: tuple[str, ...] = ()
    ask: Message | None = None
    full: int = 255
    """The highest brightness: 254 in Zigbee, 255 elsewhere."""
    color: bool = True
    transition_s: float | None = None
    shortest_fade_s: float = math.inf
    whole_seconds: bool = False
    """ESPHome drops a transition that is no whole number, and then fades as it was built to."""
    has_effects: bool = False
    """ESPHome plays an effect that somebody started on under any new colour, until it is ended."""
    only_changes: bool = False
    """In frames: each key is a command of its own on the air (zigbee2mqtt)."""
    min_interval_s: float = 0.1
    frame_interval_s: float = 0.0
    effects: frozenset[Effect] = frozenset({Effect.SOLID})

    def show(self, state: LightState, frame: Frame | None = None) -> Message:
        """The command that shows ``state``."""
        payload: dict[str, Any] = {"state": "OFF"}
        if is_lit(state):
            payload = {"state": "ON", "brightness": level(state, self.full)}
            before = frame.after if frame and self.only_changes else None
            if self.color and (before is None or before.color != state.color):
                payload["color"] = dict(zip("rgb", state.color, strict=True))
            if self.has_effects:
                payload["effect"] = "None"
        return command(self.command_topic, encode_json(payload | self._transition(frame)))

    def _transition(self, frame: Frame | None) -> dict[str, float]:
        can_fade = self.shortest_fade_s < math.inf
        fade_s = frame.over_s if frame and can_fade else self.transition_s
        if fade_s is None:
            return {}
        if self.whole_seconds:
            return {"transition": int(fade_s) if frame else round(fade_s)}
        return {"transition": fade_s}

    def read(self, payload: bytes) -> Told:
        """What a state message tells of the light."""
        value = decode_json(payload)
        return {key: value[key] for key in _KEYS if value.get(key) is not None}

    def seen(self, told: Told) -> Seen | None:
        """``told`` made comparable."""
        if "state" not in told:
            return None
        mode, parts = _color(told)
        brightness = told.get("brightness")
        lit = brightness / self.full if isinstance(brightness, int | float) else None
        effect = str(told.get("effect", "none")).lower()
        on = str(told["state"]).upper() == "ON"
        return Seen(on=on, mode=f"{mode} {effect}", parts=parts, level=lit)

    def put_back(self, told: Told) -> Message:
        """The command that brings back ``told``."""
        payload: dict[str, Any] = {"state": "OFF"}
        if str(told.get("state")).upper() == "ON":
            payload = {"state": "ON"}
            keys = ["brightness", "color_temp" if _is_white(told) else "color"]
            if str(told.get("effect", "none")).lower() != "none":
                keys.append("effect")
            payload |= {key: told[key] for key in keys if key in told}
            color = payload.get("color")
            if isinstance(color, dict) and "x" in color:
                # zigbee2mqtt tells hue and saturation too, and takes only one of them back
                payload["color"] = {"x": color["x"], "y": color.get("y", 0)}
        return command(self.command_topic, encode_json(payload))


def _is_white(told: Told) -> bool:
    return told.get("color_mode") == "color_temp" or "color" not in told


def _color(told: Told) -> tuple[str, tuple[float, ...]]:
    """The kind of colour and its parts, 0 to 1."""
    color = told.get("color")
    if _is_white(told) or not isinstance(color, dict):
        mireds = told.get("color_temp")
        return "white", (mireds / _WARMEST_MIREDS,) if isinstance(mireds, int | float) else ()
    for mode, full in (("xy", 1), ("rgb", 255), ("hs", 360)):
        values: list[Any] = [color.get(key) for key in mode]
        parts = tuple(value / full for value in values if isinstance(value, int | float))
        if len(parts) == len(mode):
            return mode, parts
    return "color", ()
