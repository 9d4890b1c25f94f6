"""What every drawing of docs/lights is made of: a ground, words, and the parts drawn by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures" / "lights"
PARTS = (FOLDER / "parts.svg").read_text(encoding="utf-8")
WIDTH = 840
INK = {"red": "#e5534b", "amber": "#f2b134", "green": "#3fae52", "blue": "#4d8fe0"}
INK |= {"GND": "#7d8894", "5V": "#e5534b", "DIN": "#3fae52"}


def parts(markup: str) -> dict[str, str]:
    """The groups of parts.svg that ``markup`` uses, by name, after those that they use."""
    found: dict[str, str] = {}
    for name in re.findall(r'(?:href="|url\()#([\w-]+)', markup):
        group = re.search(rf'(?ms)^<(g|filter) id="{name}".*?^</\1>$', PARTS)
        assert group, name
        found |= parts(group[0]) | {name: group[0]}
    return found


def sheet(title: str, height: float, body: str, css: str = "") -> str:
    """A whole SVG on a ground of its own, so that it looks the same on every page."""
    style, defs = PARTS.partition("<style>")[2].partition("</style>")[0], parts(body).values()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">\n'
        f"<title>{title}</title>\n<style>{style}{css}</style>\n"
        "<defs>\n" + "\n".join(defs) + "\n</defs>\n"
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:g}" rx="10" '
        f'fill="#12171d" stroke="#39424c"/>\n{body}</svg>\n'
    )


def text(x: float, y: float, words: str, kind: str = "s", anchor: str = "middle") -> str:
    """One line of words."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


def visible(brightness: float) -> float:
    """Opacity for a brightness: to the eye a quarter of the light is half as bright."""
    return round(math.sqrt(brightness), 2)
