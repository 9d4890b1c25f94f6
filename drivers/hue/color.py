"""RGB to the xy that a Hue lamp can show. Pure; never guesses a lamp's gamut that is not known.

Sources: "Color conversion formulas RGB to xy and back" (developers.meethue.com: gamma, matrix for a
wide gamut, nearest point of the triangle; Home Assistant uses the same matrix) and "Supported
devices" (the gamut of each model).
"""

from __future__ import annotations

from bridge.contract.light import Rgb

Point = tuple[float, float]
"""CIE 1931 chromaticity: x and y, 0 to 1 each."""
Gamut = tuple[Point, Point, Point]
"""The triangle of what a lamp can show: its red, green and blue."""

GAMUT_A: Gamut = ((0.704, 0.296), (0.2151, 0.7106), (0.138, 0.08))
GAMUT_B: Gamut = ((0.675, 0.322), (0.409, 0.518), (0.167, 0.04))
GAMUT_C: Gamut = ((0.6915, 0.3083), (0.17, 0.7), (0.1532, 0.0475))

_MODELS: dict[Gamut, str] = {
    GAMUT_A: "LLC001 LLC005 LLC006 LLC007 LLC010 LLC011 LLC012 LLC013 LLC014 LST001",
    GAMUT_B: "LCT001 LCT002 LCT003 LCT007 LLM001",
    GAMUT_C: "LCT010 LCT011 LCT012 LCT014 LCT015 LCT016 LCT024 LLC020 LST002 LST003 LST004",
}
GAMUT_OF_MODEL = {model: gamut for gamut, models in _MODELS.items() for model in models.split()}
"""For hubs too old to tell the gamut themselves; newer models need no entry."""

_WHITE: Rgb = (255, 255, 255)
_DIGITS = 4
"""The hub rounds to as many."""


def gamut_of(model: str, told: Gamut | None) -> Gamut | None:
    """The gamut that the hub told, else that of ``model``, else ``None``.

    Some lamps of other makers tell a triangle without an area; it counts as not told.
    """
    if told is not None and abs(_turn(*told)) > 1e-6:  # noqa: PLR2004 - rounding aside, zero
        return told
    return GAMUT_OF_MODEL.get(model)


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
    if not _contains(gamut, point):
        edges = zip(gamut, (*gamut[1:], gamut[0]), strict=True)
        candidates = [_nearest_on(start, end, point) for start, end in edges]
        point = min(candidates, key=lambda candidate: _squared_distance(candidate, point))
    return _rounded(point)


def close(one: Point, other: Point, *, within: float) -> bool:
    """Whether two chromaticities differ by no more than ``within``."""
    return _squared_distance(one, other) <= within**2


def _linear(channel: float) -> float:
    """Undo the gamma of sRGB (IEC 61966-2-1)."""
    if channel <= 0.04045:  # noqa: PLR2004 - the standard's own bound
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive when a, b, c turn left, negative when right, 0 on a line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _contains(gamut: Gamut, point: Point) -> bool:
    red, green, blue = gamut
    turns = (_turn(red, green, point), _turn(green, blue, point), _turn(blue, red, point))
    return all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)


def _nearest_on(start: Point, end: Point, point: Point) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / (dx * dx + dy * dy)
    along = min(1.0, max(0.0, along))
    return (start[0] + along * dx, start[1] + along * dy)


def _squared_distance(one: Point, other: Point) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def _rounded(point: Point) -> Point:
    return (round(point[0], _DIGITS), round(point[1], _DIGITS))
