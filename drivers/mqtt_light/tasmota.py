"""Tasmota lights: plain commands, answers in JSON. Pure.

Sources: Tasmota documentation, "MQTT" and "Commands" (Light); ``ResponseLightState``,
``CmndSupportColor`` and ``LightPreparePower`` in its code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from bridge.contract.light import LightState
from bridge.contract.wire import Message, decode_json
from drivers.base import Capability
from drivers.looks.brightness import is_lit, level
from drivers.mqtt_light.dialect import Dialect, Frame, Reported, Seen, command, no_more
from drivers.mqtt_light.words import is_on, number

PREFIX = "%prefix%"
"""Where ``cmnd``, ``stat`` or ``tele`` stands in a full topic."""

_HEX_PAIRS = re.compile(r"[0-9a-fA-F]{2}")
_KEY = re.compile(r"POWER\d*|Dimmer[12]?|Color|Scheme|Channel\d+|StateText[12]")
_POWER = re.compile(r"POWER(\d*)")
_COLORS = 3


@dataclass(frozen=True)
class Tasmota(Dialect):
    """One light. ``full_topic`` has ``%prefix%`` in it."""

    full_topic: str
    output: int | None = None
    """The number of its ``Power``; a light of several relays has the last one."""
    is_missing: bool = False
    dimmer: str = "Dimmer"
    """Another one where white (``SetOption37``) or each channel (``SetOption68``) is an output."""

    def ask_words(self, reported: Reported) -> Message | None:
        """``StateText`` lets people choose the words."""
        if self._power(reported) is None or self._is_on(reported) is not None:
            return None
        return self._command("Backlog", "StateText1; StateText2")

    def show(self, state: LightState, _frame: Frame | None = None) -> Message:
        """The command that shows ``state``; a colour or a level above zero also switches on."""
        if not is_lit(state):
            return self._command(self._switch, "OFF")
        if self.capability is Capability.ON_OFF:
            return self._command(self._switch, "ON")
        if self.capability is Capability.WHITE:
            return self._command(self.dimmer, str(level(state, 100)))
        return self._command("Color1", "#{:02X}{:02X}{:02X}".format(*state.rgb))

    def read(self, payload: bytes) -> Reported:
        """What an answer or telemetry tells of the light; other answers come there too."""
        value = decode_json(payload)
        if "POWER1" in value:
            value["POWER"] = value.pop("POWER1")
        return {key: value[key] for key in value if _KEY.fullmatch(key)}

    def outputs(self, reported: Reported) -> tuple[str, ...]:
        """The relays of a device that has several, one of them or none the light."""
        numbers = _numbers(reported)
        is_one_light = "Dimmer2" in reported and max(numbers, default=0) == 2  # noqa: PLR2004 - colours and white
        is_clear = self.output is not None or is_one_light or max(numbers, default=1) == 1
        if is_clear and not self.is_missing:
            return ()
        return tuple(map(str, range(1, max(numbers) + 1)))

    def fitted(self, reported: Reported) -> Self:
        """For what tells no colour or dimmer: a relay, a plug, white channels."""
        numbers = _numbers(reported)
        if not numbers:
            return self
        last = max(numbers)
        is_relay = self.output is not None and self.output < last - ("Dimmer2" in reported)
        own = [f"Channel{self.output}", "Dimmer2" if self.output == last else ""]
        dimmer = next((name for name in own if name in reported), "Dimmer")
        is_white = dimmer != "Dimmer" or len(_channels(str(reported.get("Color", "")))) < _COLORS
        capability = Capability.WHITE if is_white else Capability.COLOR
        is_dimmed = dimmer in reported or not reported.keys().isdisjoint({"Color", "Dimmer1"})
        if not is_dimmed or (is_relay and dimmer == "Dimmer"):
            capability = Capability.ON_OFF
        return replace(
            self,
            capability=no_more(self.capability, capability),
            dimmer=dimmer,
            is_missing=(self.output or 1) > last,
        )

    def end(self, reported: Reported) -> tuple[Message, ...]:
        """A colour ends a scheme, a brightness does not."""
        if self.capability is Capability.WHITE and number(reported.get("Scheme")):
            return (self._command("Scheme", "0"),)
        return ()

    def seen(self, reported: Reported) -> Seen | None:
        """``reported`` made comparable."""
        on = self._is_on(reported)
        if on is None:
            return None
        if self.capability is Capability.ON_OFF:
            return Seen(on=on)
        parts = tuple(channel / 255 for channel in _channels(str(reported.get("Color", ""))))
        percent = number(reported.get(self.dimmer))
        if percent is not None and (self.dimmer != "Dimmer" or not parts):
            parts = (percent / 100,)
        return Seen(on=on, parts=parts)

    def put_back(self, reported: Reported) -> Message | None:
        """The command that brings back ``reported``; the colour of a dark light as well."""
        on = self._is_on(reported)
        if on is None and self._power(reported) is not None:
            return None
        commands = _appearance(self.fitted(reported), reported)
        if not on or not commands:
            commands.append(f"{self._switch} {'ON' if on else 'OFF'}")
        if len(commands) > 1:
            return self._command("Backlog", "; ".join(commands))
        name, _, value = commands[0].partition(" ")
        return self._command(name, value)

    @property
    def _switch(self) -> str:
        return f"Power{self.output or ''}"

    def _power(self, reported: Reported) -> object:
        return reported.get("POWER" if self.output in {None, 1} else f"POWER{self.output}")

    def _is_on(self, reported: Reported) -> bool | None:
        word = self._power(reported)
        for key, on in (("StateText1", False), ("StateText2", True)):
            if word is not None and word == reported.get(key):
                return on
        return is_on(word)

    def _command(self, name: str, value: str = "") -> Message:
        return command(topic_of(self.full_topic, "cmnd", name), value)


def topic_of(full_topic: str, prefix: str, leaf: str) -> str:
    """A topic below ``full_topic``, as Tasmota makes it (Tasmota docs, MQTT)."""
    return f"{full_topic.replace(PREFIX, prefix)}/{leaf}"


def _numbers(reported: Reported) -> list[int]:
    return [int(match[1] or 1) for key in reported if (match := _POWER.fullmatch(key))]


def _channels(color: str) -> list[int]:
    """``FF8000`` or ``255,128,0`` (SetOption17); white channels follow where there are some."""
    if "," in color:
        return [int(part) for part in color.split(",") if part.strip().isdigit()]
    return [int(pair, 16) for pair in _HEX_PAIRS.findall(color)]


def _appearance(light: Tasmota, reported: Reported) -> list[str]:
    if light.capability is Capability.ON_OFF:
        return []
    color, scheme = str(reported.get("Color", "")), number(reported.get("Scheme"))
    shown = []
    if any(_channels(color)) and light.dimmer == "Dimmer":
        shown = [f"Color1 {color if ',' in color else '#' + color}"]
    elif number(reported.get(light.dimmer)) is not None:
        shown = [f"{light.dimmer} {reported[light.dimmer]}"]
    return [*shown, f"Scheme {scheme:g}"] if scheme else shown
