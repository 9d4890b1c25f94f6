"""The commands of a Yeelight that show a look, or bring back what was read. Pure.

Source: Yeelight WiFi Light Inter-Operation Specification, COMMAND messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.contract.light import Effect, LightState
from drivers.base import Capability
from drivers.looks.brightness import apart, is_lit, level
from drivers.looks.effects import LOWEST

WHITE_KELVIN = 4000
_SHORTEST_MS = 50
_RGB, _CT, _HSV = "1", "2", "3"

Command = tuple[str, tuple[Any, ...]]


def look(state: LightState, can: Capability) -> tuple[list[Command], dict[str, str]]:
    """The commands that show ``state``, and the properties that the lamp then has."""
    if not is_lit(state):
        return [("set_power", ("off", "smooth", 300))], {"power": "off"}
    color, dimmed = apart(state)
    brightness = level(dimmed, 100)
    number = (color[0] << 16) + (color[1] << 8) + color[2]
    if state.effect is not Effect.SOLID:
        mode = (1, number) if can is Capability.COLOR else (2, WHITE_KELVIN)
        flow = ",".join(map(str, _steps(state, mode, brightness)))
        return [("set_scene", ("cf", 0, 0, flow))], {"power": "on", "flowing": "1"}
    wanted = {"power": "on", "bright": str(brightness), "flowing": "0"}
    if can is Capability.COLOR:
        return [("set_scene", ("color", number, brightness))], wanted | {"rgb": str(number)}
    on = ("set_power", ("on", "smooth", 300))
    return [on, ("set_bright", (brightness, "smooth", 300))], wanted


def _steps(state: LightState, mode: tuple[int, int], brightness: int) -> list[int]:
    """A flow expression: for each step its time in ms, mode, value and brightness."""
    half_ms = max(_SHORTEST_MS, round(state.period_s * 500))
    if state.effect is Effect.PULSE:
        low = max(1, round(brightness * LOWEST))
        return [half_ms, *mode, brightness, half_ms, *mode, low]
    rest = [max(_SHORTEST_MS, half_ms - _SHORTEST_MS), 7, 0, 0]
    return [_SHORTEST_MS, *mode, brightness, *rest, _SHORTEST_MS, *mode, 1, *rest]


def as_before(snapshot: Mapping[str, Any]) -> list[Command]:
    """The commands that bring a snapshot back."""
    if snapshot.get("power") != "on":
        return [("set_power", ("off", "smooth", 300))]
    if snapshot.get("flowing") == "1" and snapshot.get("flow_params"):
        count, action, flow = str(snapshot["flow_params"]).split(",", 2)
        return [("set_scene", ("cf", int(count), int(action), flow.strip()))]
    number = {key: int(snapshot.get(key) or 0) for key in ("bright", "rgb", "ct", "hue", "sat")}
    mode = snapshot.get("color_mode")
    if mode == _RGB:
        return [("set_scene", ("color", number["rgb"], number["bright"]))]
    if mode == _HSV:
        return [("set_scene", ("hsv", number["hue"], number["sat"], number["bright"]))]
    if mode == _CT and number["ct"]:
        return [("set_scene", ("ct", number["ct"], number["bright"]))]
    return [("set_bright", (number["bright"], "smooth", 300))]
