"""The colours of the page: those of the lamps, and two that look alike differ in lightness."""

from __future__ import annotations

import colorsys
import re
from importlib.resources import files

import pytest

from bridge.contract.presence_kind import COLORS, Kind

CSS = files("bridge.web").joinpath("static/page.css").read_text(encoding="utf-8")
LIGHT, DARK, *_ = CSS.split(":root {")[1:]
HUES = {"green": (90, 160), "yellow": (40, 65), "red": (345, 375)}
"""Degrees of what people call so."""


def color_of(kind: Kind, theme: str) -> tuple[float, float, float]:
    found = re.search(rf"--{kind}: #(\w\w)(\w\w)(\w\w);", theme)
    assert found
    red, green, blue = (int(part, 16) / 255 for part in found.groups())
    return red, green, blue


def luminance(color: tuple[float, float, float]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_each_kind_has_the_colour_that_a_lamp_has(theme: str) -> None:
    for kind, name in COLORS.items():
        hue, _, saturation = colorsys.rgb_to_hls(*color_of(kind, theme))
        if name in HUES:
            least, most = HUES[name]
            assert least <= (hue * 360 - least) % 360 + least <= most, kind
        else:
            assert saturation < 0.15, kind  # dark and dim white are greys on a page


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_call_and_busy_differ_also_for_those_who_see_no_red(theme: str) -> None:
    call, busy = (luminance(color_of(kind, theme)) for kind in (Kind.CALL, Kind.BUSY))
    ground = luminance((1, 1, 1)) if theme is LIGHT else luminance((0.12, 0.14, 0.16))
    lighter, darker = max(call, busy), min(call, busy)
    assert (lighter + 0.05) / (darker + 0.05) >= 2
    assert abs(call - ground) > abs(busy - ground)  # the stronger one is the call
