"""The lamp as a Home Assistant light: what a command does to the mode. Pure.

A colour in a command means manual; brightness alone scales and keeps the mode; plain ON is the mode
before; OFF stays off until ON or ``presence``; effect ``presence`` follows again; effect ``off``
keeps the colour shown now, if it is one of ours. What ``light_state`` says, written back as a
command, changes nothing: its brightness is that of the mode, in follow mode the scale over the
looks (255: as they say).
Source: Home Assistant documentation, "MQTT Light", JSON schema.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from bridge.contract.light import OFF, Channel, LightState, Rgb
from drivers.rules.look import Shown

S = TypeVar("S", bound=Shown)
PRESENCE, FROZEN = "presence", "off"


class Color(BaseModel):
    """``color`` in a command."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    r: Channel
    g: Channel
    b: Channel


class Command(BaseModel):
    """A JSON light command."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["ON", "OFF"] | None = None
    brightness: Annotated[int, Field(ge=0, le=255)] | None = None
    color: Color | None = None
    effect: str | None = None


class Mode(BaseModel):
    """Who decides about the lamp; kept over restarts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    on: bool = True
    manual: bool = False
    """A person's colour instead of presence."""
    color: Rgb = (255, 255, 255)
    brightness: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the manual colour, or a scale over the looks."""

    @property
    def name(self) -> str:
        """``follow``, ``manual`` or ``off``."""
        return ("manual" if self.manual else "follow") if self.on else "off"

    def shows(self, followed: S) -> S | LightState:
        """What the lamp shows when presence asks for ``followed``."""
        if not self.on:
            return OFF
        if self.manual:
            return LightState(color=self.color, brightness=self.brightness)
        if not isinstance(followed, LightState) or not followed.on:
            return followed
        return followed.model_copy(update={"brightness": followed.brightness * self.brightness})


def obey(mode: Mode, command: Command, shown: Shown) -> Mode:
    """The mode after ``command``, on a lamp that shows ``shown`` now."""
    if command.state == "OFF" and command.effect != PRESENCE:
        return mode.model_copy(update={"on": False})
    if command.effect == PRESENCE:  # also with OFF: presence itself has the lamp dark
        level = _level(command)
        return Mode(brightness=1.0 if level is None else level)
    changed: dict[str, Any] = {"on": True}
    if command.color is not None:
        changed |= {
            "manual": True,
            "color": (command.color.r, command.color.g, command.color.b),
            "brightness": 1.0,
        }
    elif command.effect == FROZEN and not mode.manual and isinstance(shown, LightState):
        changed |= {"manual": True, "color": shown.color, "brightness": shown.brightness}
    if (level := _level(command)) is not None:
        changed["brightness"] = level
    return mode.model_copy(update=changed)


def light_state(mode: Mode, asked: Shown, color_modes: Collection[str]) -> dict[str, Any]:
    """The payload of ``light/state``: always with everything that the lamp's colour mode has.

    Of a lamp that is left alone or was given back it is not known whether it is on.
    """
    shown = asked if isinstance(asked, LightState) else OFF
    payload: dict[str, Any] = {"state": "ON" if shown.on else "OFF"}
    if shown is not asked:
        payload["state"] = None
    color_mode = next(name for name in ("rgb", "brightness", "onoff") if name in color_modes)
    payload["color_mode"] = color_mode
    if color_mode == "rgb":
        red, green, blue = shown.color
        payload["color"] = {"r": red, "g": green, "b": blue}
    if color_mode != "onoff":
        payload["brightness"] = max(1, round(mode.brightness * 255))
    if mode.on:
        payload["effect"] = FROZEN if mode.manual else PRESENCE
    return payload


def _level(command: Command) -> float | None:
    return None if command.brightness is None else max(1, command.brightness) / 255
