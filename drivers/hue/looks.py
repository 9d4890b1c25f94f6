"""A look as values of the hub, and those of a light as it was found. Pure.

Sources: Hue API v1 (developers.meethue.com, "Lights API", "Groups API", "Things you need to know");
"Color conversion formulas RGB to xy and back" (gamma, matrix for a wide gamut, nearest point of the
triangle; Home Assistant uses the same matrix); "Supported devices" (the gamut of each model).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import dist
from typing import Any, NamedTuple

from bridge.contract.light import LightState, Rgb
from drivers.base import Capability
from drivers.hue.api import Gamut, HubLight, Point

Body = dict[str, Any]
"""What is put to ``/lights/ID/state`` or ``/groups/ID/action``."""


class Write(NamedTuple):
    """A body, and the light that it is for."""

    number: int | None
    """``None`` is the whole group."""
    body: Body


BRIGHTEST = 254
_MOST_WRITES, _FEW = 55, 10
"""A hub takes ten writes a second, or one of a group; a stop has some seconds."""
_BRI_TOLERANCE, _XY_TOLERANCE = 3, 0.02
"""Lamps round what they are sent; other makers' clip in their own way."""

GAMUT_A: Gamut = ((0.704, 0.296), (0.2151, 0.7106), (0.138, 0.08))
GAMUT_B: Gamut = ((0.675, 0.322), (0.409, 0.518), (0.167, 0.04))
GAMUT_C: Gamut = ((0.6915, 0.3083), (0.17, 0.7), (0.1532, 0.0475))

_MODELS: dict[Gamut, str] = {
    GAMUT_A: "LLC001 LLC005 LLC006 LLC007 LLC010 LLC011 LLC012 LLC013 LLC014 LST001",
    GAMUT_B: "LCT001 LCT002 LCT003 LCT007 LLM001",
    GAMUT_C: "LCT010 LCT011 LCT012 LCT014 LCT015 LCT016 LCT024 LLC020 LST002 LST003 LST004",
}
GAMUT_OF_MODEL = {model: gamut for gamut, models in _MODELS.items() for model in models.split()}
"""For hubs too old to name the gamut themselves; newer models need no entry."""

_WHITE: Rgb = (255, 255, 255)


def capability_of(lights: Iterable[HubLight]) -> Capability:
    """What at least one of ``lights`` can do: the others follow as far as they can."""
    found = {light.capability for light in lights}
    return next((each for each in Capability if each in found), Capability.COLOR)


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
        gamuts = {gamut_of(light) for light in colored}
        body["xy"] = list(rgb_to_xy(state.color, gamuts.pop() if len(gamuts) == 1 else None))
    if any(light.state.effect == "colorloop" for light in lights):
        body["effect"] = "none"
    return body


def shows(light: HubLight, body: Body) -> bool:
    """Whether ``light`` still is as ``body`` made it."""
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
    gamut = gamut_of(light)
    sent = clip((x, y), gamut) if gamut else (x, y)
    same_mode = now.colormode in (None, "xy") and now.effect != "colorloop"
    return same_mode and dist(now.xy, sent) <= _XY_TOLERANCE


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


def writes_to_restore(found: Mapping[str, Mapping[str, Any]], *, group: int | None) -> list[Write]:
    """What brings lights back, in order.

    Many that were alike are written at once, so that a large group is back before a stop must end.
    """
    each = {int(number): bodies_to_restore(values) for number, values in found.items()}
    if sum(map(len, each.values())) > _MOST_WRITES:  # the colours of dark lamps have no room
        each = {number: bodies[-1:] for number, bodies in each.items()}
    of_all = list(each.values())
    most = max(of_all, key=of_all.count, default=[])
    count = of_all.count(most)
    if group is None or (count < len(each) and count < _FEW):
        most = []
    alone = [Write(n, body) for n, bodies in each.items() if bodies != most for body in bodies]
    return [*(Write(None, body) for body in most), *alone]


def fading(body: Body, over_s: float) -> Body:
    """With the transition, but not when it goes out: some lamps then forget how bright."""
    return {**body, "transitiontime": round(over_s * 10)} if body.get("on", True) else body


def difference(last: Body, body: Body) -> Body:
    """What ``body`` changes, or all of it when that is nothing or it switches the light."""
    if last["on"] != body["on"]:
        return body
    return {key: value for key, value in body.items() if last.get(key) != value} or body


def gamut_of(light: HubLight) -> Gamut | None:
    """The gamut that the hub names for ``light``, else that of its model, else ``None``.

    Some lamps of other makers have a triangle without an area there; it counts as none.
    """
    if light.gamut is not None and abs(_turn(*light.gamut)) > 1e-6:  # noqa: PLR2004 - not zero
        return light.gamut
    return GAMUT_OF_MODEL.get(light.modelid)


def rgb_to_xy(color: Rgb, gamut: Gamut | None = None) -> Point:
    """The chromaticity of ``color``, moved to the nearest that ``gamut`` has.

    Brightness has no part in it: (255, 0, 0) and (10, 0, 0) are the same. Black is white.
    """
    lit = color if any(color) else _WHITE
    red, green, blue = (_linear(channel / max(lit)) for channel in lit)
    x = red * 0.664511 + green * 0.154324 + blue * 0.162028
    y = red * 0.283881 + green * 0.668433 + blue * 0.047685
    z = red * 0.000088 + green * 0.072310 + blue * 0.986039
    total = x + y + z
    point = (x / total, y / total)
    return clip(point, gamut) if gamut else _rounded(point)


def clip(point: Point, gamut: Gamut) -> Point:
    """``point`` if ``gamut`` has it, else the nearest that it has."""
    edges = list(zip(gamut, (*gamut[1:], gamut[0]), strict=True))
    turns = [_turn(start, end, point) for start, end in edges]
    if min(turns) < 0 < max(turns):
        on_edges = [_nearest_on(start, end, point) for start, end in edges]
        point = min(on_edges, key=lambda each: dist(each, point))
    return _rounded(point)


def _linear(channel: float) -> float:
    """Undo the gamma of sRGB (IEC 61966-2-1)."""
    if channel <= 0.04045:  # noqa: PLR2004 - the standard's own bound
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive when a, b, c turn left, negative when right, 0 on a line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _nearest_on(start: Point, end: Point, point: Point) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / (dx * dx + dy * dy)
    along = min(1.0, max(0.0, along))
    return (start[0] + along * dx, start[1] + along * dy)


def _rounded(point: Point) -> Point:
    return (round(point[0], 4), round(point[1], 4))
