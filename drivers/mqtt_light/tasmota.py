"""Tasmota lights: plain commands, answers in JSON. Pure.

Sources: Tasmota documentation, "MQTT" and "Commands" (Light); ``LightState`` and ``CmndState`` in
its code.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bridge.contract.light import Effect, LightState
from bridge.contract.wire import Message, decode_json
from drivers.mqtt_light.dialect import Frame, Seen, Told, command, is_lit, level

PREFIX = "%prefix%"
"""Where ``cmnd``, ``stat`` or ``tele`` stands in a full topic."""

_HEX_PAIRS = re.compile(r"[0-9a-fA-F]{2}")
_KEYS = ("POWER", "Dimmer", "Color")


@dataclass(frozen=True)
class Tasmota:
    """One light. ``full_topic`` has ``%prefix%`` in it."""

    full_topic: str
    availability_topic: str | None = None
    color: bool = True
    min_interval_s: float = 0.1
    frame_interval_s: float = 0.0
    shortest_fade_s: float = math.inf
    effects: frozenset[Effect] = frozenset({Effect.SOLID})

    @property
    def state_topics(self) -> tuple[str, ...]:
        """Answers to commands, with and without SetOption4, and telemetry."""
        return self._topic("stat", "RESULT"), self._topic("stat", "STATE"), self._topic("tele")

    @property
    def availability_topics(self) -> tuple[str, ...]:
        """The last will: ``Online`` or ``Offline``."""
        return (self.availability_topic or self._topic("tele", "LWT"),)

    @property
    def ask(self) -> Message | None:
        """``State`` without a payload is answered with everything."""
        return self._command("State", "")

    def show(self, state: LightState, _frame: Frame | None = None) -> Message:
        """The command that shows ``state``; a colour or a level above zero also switches on."""
        if not is_lit(state):
            return self._command("Power", "OFF")
        if not self.color:
            return self._command("Dimmer", str(level(state, 100)))
        return self._command("Color1", "#{:02X}{:02X}{:02X}".format(*state.rgb))

    def read(self, payload: bytes) -> Told:
        """What an answer or telemetry tells of the light; other answers come there too."""
        value = decode_json(payload)
        if "POWER1" in value:
            value["POWER"] = value["POWER1"]
        return {key: value[key] for key in _KEYS if key in value}

    def seen(self, told: Told) -> Seen | None:
        """``told`` made comparable."""
        if "POWER" not in told:
            return None
        parts = tuple(channel / 255 for channel in _channels(str(told.get("Color", ""))))
        if not parts and isinstance(dimmer := told.get("Dimmer"), int):
            parts = (dimmer / 100,)
        return Seen(on=told["POWER"] == "ON", parts=parts)

    def put_back(self, told: Told) -> Message:
        """The command that brings back ``told``; the colour of a dark light as well."""
        color = str(told.get("Color", ""))
        shown = f"Color1 {color if ',' in color else '#' + color}" if any(_channels(color)) else ""
        if not shown and "Dimmer" in told:
            shown = f"Dimmer {told['Dimmer']}"
        if told.get("POWER") == "ON":
            name, _, value = (shown or "Power ON").partition(" ")
            return self._command(name, value)
        return self._command("Backlog", f"{shown}; Power OFF" if shown else "Power OFF")

    def _command(self, name: str, value: str) -> Message:
        return command(self._topic("cmnd", name), value)

    def _topic(self, prefix: str, leaf: str = "STATE") -> str:
        return f"{self.full_topic.replace(PREFIX, prefix)}/{leaf}"


def _channels(color: str) -> list[int]:
    """``FF8000`` or ``255,128,0`` (SetOption17); white channels follow where there are some."""
    if "," in color:
        return [int(part) for part in color.split(",") if part.strip().isdigit()]
    return [int(pair, 16) for pair in _HEX_PAIRS.findall(color)]
