"""WLED: JSON API over MQTT, with its own blink and breathe, or presets of yours. Pure.

Sources: WLED documentation, "MQTT" and "JSON API"; ``mqtt.cpp``, ``json.cpp``, ``xml.cpp`` and
``FX.cpp`` in its code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.contract.errors import ContractError
from bridge.contract.light import Effect, LightState, Rgb
from bridge.contract.wire import Message, encode_json
from drivers.looks.brightness import is_lit, level
from drivers.looks.wled import NO_NIGHTLIGHT, SOLID, segment, show_alone
from drivers.mqtt_light.dialect import Dialect, Frame, Reported, Seen, command
from drivers.rules.look import parse_color

PresetKey = tuple[Rgb, Effect] | None
"""The colour and effect that a preset stands for; ``None`` is off."""

_TAG = re.compile(rb"<(ac|cl|fx|sx|ix|fp|wv|ps)>([^<]*)</")
_CHANNELS = 3
_NAME = b"<ds>"
"""Begins the name that people gave the strip; WLED writes it as it is, tags and all."""


def preset_key(text: str) -> PresetKey:
    """Read ``red``, ``red pulse``, ``#ff0000 blink`` or ``off``."""
    if text.strip().lower() == "off":
        return None
    color, _, effect = text.strip().partition(" ")
    if effect and effect not in set(Effect):
        raise ValueError(f"{effect!r} is not an effect: write solid, blink or pulse")
    return parse_color(color), Effect(effect or Effect.SOLID)


@dataclass(frozen=True)
class Wled(Dialect):
    """One WLED device; ``topic`` is its device topic.

    It cannot be asked over MQTT; with "Retain" in its settings the state is there anyway.
    """

    topic: str
    presets: Mapping[PresetKey, int] = field(default_factory=dict)
    transition_s: float | None = None
    output: int | None = None
    """One segment: the others, and the brightness of all, stay as they are."""

    def show(self, state: LightState, _frame: Frame | None = None) -> Message:
        """The command that shows ``state``, by preset where there is one."""
        lit = is_lit(state)
        preset = self.presets.get((state.color, state.effect) if lit else None)
        if preset is not None:
            return self._api({"on": True, "ps": preset})
        payload: dict[str, Any] = {"on": False}
        if lit:
            selected = segment(state)
            del selected["bri"]  # not reported over MQTT, so it could not be brought back
            payload = {"on": True, "bri": level(state), "nl": NO_NIGHTLIGHT, "seg": selected}
        if self.output is not None:
            payload = show_alone(state, [self.output])
            (payload["seg"],) = payload["seg"]
        if self.transition_s is not None:
            payload["tt"] = round(self.transition_s * 10)
        return self._api(payload)

    def read(self, payload: bytes) -> Reported:
        """What the XML tells: of the segments the first that is selected."""
        reported: dict[str, Any] = {"col": []}
        for tag, text in _TAG.findall(payload.partition(_NAME)[0]):
            if not re.fullmatch(rb"-?\d{1,3}", text):
                raise ContractError("not a WLED state")
            if tag == b"cl":
                reported["col"].append(int(text))
            else:
                reported[tag.decode()] = int(text)
        if "ac" not in reported or len(reported["col"]) != _CHANNELS:
            raise ContractError("not a WLED state")
        return reported

    def seen(self, reported: Reported) -> Seen | None:
        """``reported`` made comparable."""
        if "ac" not in reported or self.output is not None:
            return None
        mode = f"effect {reported.get('fx', SOLID)} preset {reported.get('ps', 0)}"
        parts = tuple(part / 255 for part in (reported["ac"], *reported["col"]))
        return Seen(on=reported["ac"] > 0, mode=mode, parts=parts)

    def put_back(self, reported: Reported) -> Message:
        """The command that brings back ``reported``: its preset, else brightness, colour, effect.

        A segment is dark afterwards: what it showed is not reported.
        """
        if self.output is not None:
            master = {} if reported.get("ac", 1) else {"on": False}
            return self._api(master | {"seg": {"id": self.output, "on": False}})
        if not reported.get("ac"):
            return self._api({"on": False})
        if reported.get("ps", 0) > 0:
            return self._api({"on": True, "ps": reported["ps"]})
        white = [reported["wv"]] if reported.get("wv", -1) >= 0 else []
        names = {"fx": "fx", "sx": "sx", "ix": "ix", "fp": "pal"}
        segment = {name: reported[tag] for tag, name in names.items() if tag in reported}
        segment["col"] = [[*reported["col"], *white]]
        return self._api({"on": True, "bri": reported["ac"], "seg": segment})

    def _api(self, payload: Mapping[str, Any]) -> Message:
        return command(f"{self.topic}/api", encode_json(payload))
