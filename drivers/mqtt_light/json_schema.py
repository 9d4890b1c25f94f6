"""Lights that take JSON: zigbee2mqtt, ESPHome and whatever follows Home Assistant's schema. Pure.

Sources: Home Assistant documentation, "MQTT Light", JSON schema; zigbee2mqtt documentation, "MQTT
Topics and Messages"; ESPHome's ``light_json_schema.cpp``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from bridge.contract.light import LightState
from bridge.contract.wire import Message, decode_json, encode_json
from drivers.base import Capability
from drivers.looks.brightness import is_lit, level
from drivers.mqtt_light.dialect import Dialect, Frame, Reported, Seen, command, no_more
from drivers.mqtt_light.words import effect_of, is_on, number

_KEYS = ("state", "brightness", "color_mode", "color", "color_temp", "effect")
_OUTPUT = re.compile(r"state_(\w+)")
_WARMEST_MIREDS = 500
_MODES = {"onoff": Capability.ON_OFF, "brightness": Capability.WHITE}
"""Colour modes of a light that has no other."""
_OF_COLOR = {"xy", "hs", "rgb"}


@dataclass(frozen=True)
class JsonSchema(Dialect):
    """One light with a JSON command topic."""

    command_topic: str
    full: int = 255
    """The highest brightness: 254 in Zigbee, 255 elsewhere."""
    output: str | None = None
    """Stands behind each key of one of several outputs: ``state_l2`` (zigbee2mqtt)."""
    reports_all: bool = False
    """Asked, it tells everything that it has, and each output under its own keys (zigbee2mqtt)."""
    transition_s: float | None = None
    whole_seconds: bool = False
    """ESPHome drops a transition that is no whole number, and then fades as it was built to."""
    has_effects: bool = False
    """ESPHome plays an effect that somebody started on under any new colour, until it is ended."""
    ends_of: Callable[[str], tuple[str, ...]] = lambda _effect: ()
    """The effects that end another one, where that needs commands of its own."""
    only_changes: bool = False
    """In frames: each key is a command of its own on the air (zigbee2mqtt)."""

    def show(self, state: LightState, frame: Frame | None = None) -> Message:
        """The command that shows ``state``."""
        payload: dict[str, Any] = {"state": "OFF"}
        if is_lit(state):
            payload = {"state": "ON"}
            if self.capability is not Capability.ON_OFF:
                payload["brightness"] = level(state, self.full)
            before = frame.after if frame and self.only_changes else None
            is_other = before is None or before.color != state.color
            if self.capability is Capability.COLOR and is_other:
                payload["color"] = dict(zip("rgb", state.color, strict=True))
            if self.has_effects:
                payload["effect"] = "None"
        return self._command(payload, self._transition(frame))

    def _transition(self, frame: Frame | None) -> dict[str, float]:
        can_fade = self.shortest_fade_s < math.inf
        fade_s = frame.over_s if frame and can_fade else self.transition_s
        if fade_s is None or self.capability is Capability.ON_OFF:
            return {}
        if self.whole_seconds:
            return {"transition": int(fade_s) if frame else round(fade_s)}
        return {"transition": fade_s}

    def read(self, payload: bytes) -> Reported:
        """What a state message tells of the light; also of which outputs it tells, if of many."""
        value = decode_json(payload)
        named = {key: f"{key}_{self.output}" if self.output else key for key in _KEYS}
        reported = {key: value[name] for key, name in named.items() if value.get(name) is not None}
        if (self.reports_all and "state" in reported) or named["effect"] in value:
            reported.setdefault("effect", "none")
        if self.reports_all and "state" not in reported:
            reported |= {
                key: value[key]
                for key in value
                if _OUTPUT.fullmatch(key) and str(value[key]).upper() in {"ON", "OFF"}
            }
        return reported

    def outputs(self, reported: Reported) -> tuple[str, ...]:
        """The outputs of a device that tells nothing of ours but ``state_l1``, ``state_l2``."""
        if "state" in reported:
            return ()
        return tuple(
            sorted(f'"{match[1]}"' for key in reported if (match := _OUTPUT.fullmatch(key)))
        )

    def fitted(self, reported: Reported) -> Self:
        """For a device that tells neither colour nor brightness, or says that it has none."""
        mode = str(reported.get("color_mode"))
        capability = _MODES.get(mode, Capability.COLOR)
        has_color = "color" in reported or mode in _OF_COLOR
        if self.reports_all and "state" in reported and not has_color:
            is_dimmed = "brightness" in reported or "color_temp" in reported
            capability = Capability.WHITE if is_dimmed else Capability.ON_OFF
        capability = no_more(self.capability, capability)
        return self if capability is self.capability else replace(self, capability=capability)

    def end(self, reported: Reported) -> tuple[Message, ...]:
        """What ends an effect that ``reported`` has, where that needs commands of its own."""
        effect = effect_of(reported.get("effect"))
        ends = () if effect is None else self.ends_of(effect)
        return tuple(self._command({"effect": end}) for end in ends)

    def seen(self, reported: Reported) -> Seen | None:
        """``reported`` made comparable."""
        on = is_on(reported.get("state"))
        if on is None:
            return None
        mode, parts = _color(reported)
        brightness = number(reported.get("brightness"))
        lit = None if brightness is None else brightness / self.full
        effect = (effect_of(reported.get("effect")) or "none").lower()
        return Seen(on=on, mode=f"{mode} {effect}", parts=parts, level=lit)

    def put_back(self, reported: Reported) -> Message | None:
        """The command that brings back ``reported``, with its effect and the colour beneath it."""
        on = is_on(reported.get("state", False))
        if not on:
            return None if on is None else self._command({"state": "OFF"})
        payload: dict[str, Any] = {"state": "ON"}
        if (brightness := number(reported.get("brightness"))) is not None:
            payload["brightness"] = int(brightness) if brightness.is_integer() else brightness
        key = "color_temp" if _is_white(reported) else "color"
        if key in reported:
            payload[key] = reported[key]
        if (effect := effect_of(reported.get("effect"))) is not None:
            payload["effect"] = effect
        color = payload.get("color")
        if isinstance(color, dict) and "x" in color:
            # zigbee2mqtt tells hue and saturation too, and takes only one of them back
            payload["color"] = {"x": color["x"], "y": color.get("y", 0)}
        return self._command(payload)

    def _command(self, payload: dict[str, Any], common: dict[str, Any] | None = None) -> Message:
        named = {f"{key}_{self.output}" if self.output else key: payload[key] for key in payload}
        return command(self.command_topic, encode_json(named | (common or {})))


def _is_white(reported: Reported) -> bool:
    return reported.get("color_mode") == "color_temp" or "color" not in reported


def _color(reported: Reported) -> tuple[str, tuple[float, ...]]:
    color = reported.get("color")
    if _is_white(reported) or not isinstance(color, dict):
        mireds = number(reported.get("color_temp"))
        return "white", () if mireds is None else (mireds / _WARMEST_MIREDS,)
    for mode, full in (("xy", 1), ("rgb", 255), ("hs", 360)):
        values = [number(color.get(key)) for key in mode]
        parts = tuple(value / full for value in values if value is not None)
        if len(parts) == len(mode):
            return mode, parts
    return "color", ()
