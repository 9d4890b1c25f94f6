"""The lamp as a Home Assistant light: what a command does to the mode. Pure.

A colour in a command means manual; brightness alone scales and keeps the mode; plain ON is the mode
before; OFF stays off until ON or ``presence``; effect ``presence`` follows again; effect ``off``
keeps what is shown now: its colour, its dark, or a light that is not ours as it is. ``for_s`` ends
what a person chose. What ``light_state`` says, written back as a command, changes nothing: its
brightness is that of the mode, in follow mode the scale over the looks (255: as they say).
Source: Home Assistant documentation, "MQTT Light", JSON schema.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import Field

from bridge.contract.light import (
    FROZEN,
    LONGEST_S,
    OFF,
    PRESENCE,
    LightCommand,
    LightState,
    Rgb,
)
from drivers.record import Record
from drivers.rules.look import Shown

S = TypeVar("S", bound=Shown)
_LONGEST = timedelta(seconds=LONGEST_S)


class Mode(Record):
    """Who decides about the lamp; kept over restarts."""

    on: bool = True
    manual: bool = False
    """A person's colour instead of presence."""
    color: Rgb = (255, 255, 255)
    brightness: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the manual colour, or a scale over the looks."""
    hands_off: bool = False
    """Manual, and the light stays as it is: it was not ours when a person chose to keep it."""
    since: datetime | None = None
    """When a person chose this; ``None`` while presence is followed."""
    until: datetime | None = None
    """When presence takes over by itself."""

    @property
    def name(self) -> str:
        """``follow``, ``manual`` or ``off``."""
        return ("manual" if self.manual else "follow") if self.on else "off"

    def shows(self, followed: S) -> S | LightState | None:
        """What the lamp shows when presence asks for ``followed``."""
        if not self.on:
            return OFF
        if self.manual and self.hands_off:
            return None
        if self.manual:
            return LightState(color=self.color, brightness=self.brightness)
        if not isinstance(followed, LightState) or not followed.on:
            return followed
        return followed.model_copy(update={"brightness": followed.brightness * self.brightness})

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed; an end that a clock set back has moved far away has, too."""
        return self.until is not None and not timedelta() < self.until - now <= _LONGEST

    def given_up(self) -> Mode:
        """Presence instead of what a person chose; a scale over the looks stays."""
        return Mode(brightness=1.0 if self.manual else self.brightness)


def obey(mode: Mode, command: LightCommand, shown: Shown, now: datetime) -> Mode:
    """The mode after ``command``, which came at ``now``, on a lamp that shows ``shown``.

    An end that was set before counts while a person's choice stays the same.
    """
    after = _obeyed(mode, command, shown)
    if after.name == "follow":
        return after.model_copy(update={"since": None, "until": None})
    changed: dict[str, Any] = {}
    if _choice(after) != _choice(mode):
        changed = {"since": now, "until": None}
    if command.for_s is not None:
        changed["until"] = now + timedelta(seconds=command.for_s)
    return after.model_copy(update=changed)


def _choice(mode: Mode) -> tuple[object, ...]:
    return mode.on, mode.manual, mode.color, mode.hands_off


def _obeyed(mode: Mode, command: LightCommand, shown: Shown) -> Mode:
    if command.state == "OFF" and command.effect != PRESENCE:
        return mode.model_copy(update={"on": False})
    level = None if command.brightness is None else max(1, command.brightness) / 255
    if command.effect == PRESENCE:  # also with OFF: presence itself has the lamp dark
        return Mode(brightness=1.0 if level is None else level)
    if command.effect == FROZEN and command.state is None:
        return _kept(mode, shown) if mode.name == "follow" else mode
    changed: dict[str, Any] = {"on": True}
    if command.color is not None:
        color = (command.color.r, command.color.g, command.color.b)
        changed |= {"manual": True, "color": color, "brightness": 1.0, "hands_off": False}
    elif command.effect == FROZEN and not mode.manual and isinstance(shown, LightState):
        changed |= {"manual": True, "color": shown.color, "brightness": shown.brightness}
    if level is not None:
        changed["brightness"] = level
    return mode.model_copy(update=changed)


def _kept(mode: Mode, shown: Shown) -> Mode:
    if not isinstance(shown, LightState):
        return mode.model_copy(update={"on": True, "manual": True, "hands_off": True})
    if not shown.on:
        return mode.model_copy(update={"on": False})
    choice = {"color": shown.color, "brightness": shown.brightness}
    return mode.model_copy(update={"on": True, "manual": True, **choice})


def light_state(mode: Mode, asked: Shown, color_mode: str) -> dict[str, Any]:
    """The payload of ``light/state``: always with everything that the lamp's colour mode has.

    Of a lamp that is left alone or was given back it is not known whether it is on.
    """
    shown = asked if isinstance(asked, LightState) else OFF
    payload: dict[str, Any] = {"state": "ON" if shown.on else "OFF"}
    if shown is not asked:
        payload["state"] = None
    payload["color_mode"] = color_mode
    if color_mode == "rgb":
        red, green, blue = shown.color
        payload["color"] = {"r": red, "g": green, "b": blue}
    if color_mode != "onoff":
        payload["brightness"] = max(1, round(mode.brightness * 255))
    if mode.on:
        payload["effect"] = FROZEN if mode.manual else PRESENCE
    return payload
