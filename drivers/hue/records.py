"""What a hub tells of its lights and groups, and what it is told. Pure; never asks a hub.

Sources: Hue API v1 (developers.meethue.com, "Lights API", "Groups API", "Things you need to know").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from bridge.contract.light import LightState
from drivers.base import Capability
from drivers.hue.color import Gamut, Point, clip, close, gamut_of, rgb_to_xy

BRIGHTEST = 254
Body = dict[str, Any]
"""What is put to ``/lights/ID/state`` or ``/groups/ID/action``."""

_MOST_WRITES, _FEW = 55, 10
"""A hub takes ten writes a second, or one of a group; a stop has some seconds."""
_BRI_TOLERANCE, _XY_TOLERANCE = 3, 0.02
"""Lamps round what they are told; other makers' clip in their own way."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Values(_Told):
    """``state`` of a light. What a lamp cannot do is missing."""

    on: bool
    bri: int | None = None
    xy: Point | None = None
    ct: int | None = None
    hue: int | None = None
    sat: int | None = None
    effect: str | None = None
    colormode: str | None = None
    """``xy``, ``ct`` or ``hs``: which of them holds."""
    reachable: bool = True
    """Whether the lamp answered the hub the last time; the hub is slow to learn."""


class _Control(_Told):
    colorgamut: Gamut | None = None


class _Capabilities(_Told):
    control: _Control = _Control()


class HubLight(_Told):
    """One entry of ``/lights``."""

    name: str
    type: str = ""
    modelid: str = ""
    state: Values
    capabilities: _Capabilities = _Capabilities()

    @property
    def gamut(self) -> Gamut | None:
        """The colours it can show, when that is known."""
        return gamut_of(self.modelid, self.capabilities.control.colorgamut)

    @property
    def capability(self) -> Capability:
        """What it can do. Some plugs of other makers tell a brightness that they have not."""
        if self.state.xy is not None:
            return Capability.COLOR
        is_plug = self.state.bri is None or self.type.casefold().startswith("on/off")
        return Capability.ON_OFF if is_plug else Capability.WHITE


class HubGroup(_Told):
    """One entry of ``/groups``."""

    name: str
    lights: tuple[int, ...] = ()


@dataclass(frozen=True)
class Target:
    """The light or group that the config names, as the hub knows it."""

    is_group: bool
    id: int
    name: str

    def __str__(self) -> str:
        return f"{'group' if self.is_group else 'light'} {self.name!r}"


def capability_of(lights: Iterable[HubLight]) -> Capability:
    """What at least one of ``lights`` can do: the others follow as far as they can."""
    known = {light.capability for light in lights}
    return next((each for each in Capability if each in known), Capability.COLOR)


def body_for(state: LightState, lights: Iterable[HubLight]) -> Body:
    """All that makes ``lights`` show ``state``, as far as they can."""
    lights = list(lights)
    bri = round(state.brightness * max(state.color) / 255 * BRIGHTEST)
    if not state.on or bri == 0:
        return {"on": False}
    body: Body = {"on": True}
    if any(light.state.bri is not None for light in lights):
        body["bri"] = bri
    colored = [light for light in lights if light.state.xy is not None]
    if colored:
        gamuts = {light.gamut for light in colored}
        body["xy"] = list(rgb_to_xy(state.color, gamuts.pop() if len(gamuts) == 1 else None))
    if any(light.state.effect == "colorloop" for light in lights):
        body["effect"] = "none"
    return body


def shows(light: HubLight, body: Body) -> bool:
    """Whether ``light`` still is as ``body`` told it."""
    now = light.state
    if now.on != body["on"]:
        return False
    if not now.on:
        return True
    if now.bri is not None and "bri" in body and abs(now.bri - body["bri"]) > _BRI_TOLERANCE:
        return False
    if now.xy is None or "xy" not in body:
        return True
    x, y = body["xy"]
    told = clip((x, y), light.gamut) if light.gamut else (x, y)
    same_mode = now.colormode in (None, "xy") and now.effect != "colorloop"
    return same_mode and close(now.xy, told, within=_XY_TOLERANCE)


def as_found(lights: Mapping[int, HubLight]) -> dict[str, Any]:
    """How ``lights`` are now, as JSON values that ``bodies_to_restore`` reads."""
    kept = {"on", "bri", "xy", "ct", "hue", "sat", "effect", "colormode"}
    return {
        str(number): light.state.model_dump(mode="json", include=kept, exclude_none=True)
        for number, light in lights.items()
    }


def bodies_to_restore(found: Mapping[str, Any]) -> list[Body]:
    """What brings a light back, in order.

    A lamp that was off first gets its colour back, at once, so that it has it when it is switched
    on next: a lamp that is off takes none (error 201).
    """
    mode = found.get("colormode")
    keys = ["bri", *({"hs": ["hue", "sat"], "xy": ["xy"], "ct": ["ct"]}.get(str(mode), []))]
    body: Body = {key: found[key] for key in keys if key in found}
    if found.get("effect") == "colorloop":
        body["effect"] = "colorloop"
    if found["on"]:
        return [{"on": True, **body}]
    return [*([{"on": True, **body, "transitiontime": 0}] if body else []), {"on": False}]


def writes_to_restore(
    found: Mapping[str, Mapping[str, Any]], *, group: int | None
) -> list[tuple[int | None, Body]]:
    """What brings lights back, in order: the number of each, ``None`` for the whole group.

    Many that were alike are written at once, so that a large group is back before a stop must end.
    """
    each = {int(number): bodies_to_restore(values) for number, values in found.items()}
    if sum(map(len, each.values())) > _MOST_WRITES:  # the colours of dark lamps have no room
        each = {number: bodies[-1:] for number, bodies in each.items()}
    bodies_of_all = list(each.values())
    most = max(bodies_of_all, key=bodies_of_all.count, default=[])
    count = bodies_of_all.count(most)
    if group is None or (count < len(each) and count < _FEW):
        most = []
    alone = [(number, bodies) for number, bodies in each.items() if bodies != most]
    return [
        *((None, body) for body in most),
        *((number, body) for number, bodies in alone for body in bodies),
    ]
