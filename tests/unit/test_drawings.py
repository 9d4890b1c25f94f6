"""The drawings in the pages about lights show the code's own looks and the pages' own pins."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bridge.contract.light import Effect
from drivers.gpio.levels import traffic_light
from drivers.rules import DEFAULT_LOOKS
from drivers.rules.look import COLORS
from tests.fakes.rows import rows

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures" / "lights"
KINDS = ("gpio", "hue", "mqtt", "serial", "usb")
PAGES = {kind: ROOT / "docs" / "lights" / f"{kind}.md" for kind in KINDS}
PAGES["console"] = ROOT / "docs" / "lights.md"
SVG = "{http://www.w3.org/2000/svg}"
HARMLESS = {
    *("svg", "title", "style", "defs", "g", "use", "path", "rect", "circle", "ellipse", "text"),
    *("filter", "feGaussianBlur", "feMerge", "feMergeNode"),
}


def shipped(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def parsed(name: str) -> ET.Element:
    return ET.fromstring(shipped(name))


def pictures(page: Path) -> dict[str, tuple[str, int]]:
    """The drawings that a page shows: their alternative text and place in it."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"!\[([^\]]+)\]\((?:\.\./)?pictures/lights/([\w-]+)\.svg\)", text)
    return {match[2]: (" ".join(match[1].split()), match.start()) for match in found}


def test_the_pictures_are_those_that_the_code_draws_today(tmp_path: Path) -> None:
    program = ROOT / "scripts" / "drawings"
    subprocess.run([sys.executable, program, tmp_path], check=True, timeout=60)
    drawn = {file.stem: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    there = {file.stem for file in FOLDER.iterdir()} - {"parts"}
    stale = [name for name in drawn if name not in there or drawn[name] != shipped(name)]
    assert (stale, there - drawn.keys()) == ([], set()), "run scripts/drawings"


@rows("name", sorted(file.stem for file in FOLDER.glob("*.svg")))
def test_a_picture_needs_nothing_from_elsewhere_and_runs_nothing(name: str) -> None:
    for element in parsed(name).iter():
        assert element.tag.removeprefix(SVG) in HARMLESS
        assert not [key for key in element.attrib if key.startswith("on")]
        assert element.get("href", "#").startswith("#")
    elsewhere = shipped(name).replace(SVG.strip("{}"), "")
    assert not re.search(r"https?:|@import|@font-face|url\((?!#)|<!ENTITY", elsewhere)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "lights").iterdir()), ids=lambda p: p.stem)
def test_each_page_has_drawings_and_says_in_words_what_is_on_them(page: Path) -> None:
    shown = pictures(page)
    assert shown
    for name, (words, _) in shown.items():
        if parsed(name).find(f"{SVG}g[@color]") is None:
            continue  # what is lit or wired is compared below
        for text in parsed(name).iter(f"{SVG}text"):
            first = (text.text or "").replace(": ", ", ").partition(",")[0]
            assert first in words.replace(" and ", ", "), (name, first)


def test_each_drawing_is_on_a_page() -> None:
    pages = [*(ROOT / "docs" / "lights").iterdir(), ROOT / "docs" / "lights.md"]
    assert {name for page in pages for name in pictures(page)} | {"parts"} == {
        file.stem for file in FOLDER.iterdir()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_lamp_has_the_colour_and_the_effect_of_its_look(kind: str) -> None:
    children = [child for child in parsed(kind) if child.tag in {f"{SVG}g", f"{SVG}text"}]
    brightest: dict[float, str] = {}
    for lamp, name, words in zip(children[::3], children[1::3], children[2::3], strict=True):
        look = DEFAULT_LOOKS[re.sub(r"\W", "_", name.text or "")]
        told = "off" if look.off else f"{look.brightness:.0%}"
        assert told in (words.text or "")
        lights = {use.get("href", ""): use for use in lamp.iter(f"{SVG}use")}
        assert lights.pop(f"#{kind}") is not None
        moving = {group.get("class") for group in lamp.findall(f"{SVG}g")}
        assert moving == ({str(look.effect)} if look.effect is not Effect.SOLID else set())
        if look.off:
            assert lights == {}
            continue
        light = lights.pop(f"#{kind}-light")
        assert light.get("color") == "#{:02x}{:02x}{:02x}".format(*look.color)
        brightest[look.brightness] = light.get("opacity", "")
        lamps = traffic_light(look.color) if kind == "gpio" else ()
        assert lights.keys() == {f"#gpio-{lamp}" for lamp in lamps}
    assert len(children) == 3 * 12
    assert [brightest[level] for level in sorted(brightest)] == sorted(brightest.values())


def test_the_console_shows_every_look() -> None:
    rows = [text.text or "" for text in parsed("console").iter(f"{SVG}text")][1:]
    for (name, look), row in zip(DEFAULT_LOOKS.items(), range(0, len(rows), 3), strict=True):
        assert rows[row] == name
        color = "#{:02x}{:02x}{:02x}".format(*look.state().rgb)
        assert rows[row + 2].split()[0] == ("off" if look.off else color)


def examples() -> dict[str, dict[str, str]]:
    """By drawing, the pin for each ink: from the page's config and from the sketch."""
    text = PAGES["gpio"].read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```toml\n(.*?)^```", text)
    lamps = [tomllib.loads(block)["drivers"]["door"] for block in blocks]
    pins = {
        lamp["layout"]: {ink: f"GPIO{pin}" for ink, pin in lamp["pins"].items()} for lamp in lamps
    }
    sketch = ROOT / "drivers" / "firmware" / "presence_lamp" / "presence_lamp.ino"
    code = sketch.read_text(encoding="utf-8")
    uno = {name.lower(): pin for name, pin in re.findall(r"\b([A-Z]+)_PIN = (\d+)", code)}
    return {
        "gpio-rgb": {**pins["rgb"], "ground": "GND"},
        "gpio-traffic-light": {**pins["traffic_light"], "ground": "GND"},
        "serial-rgb": {**{ink: uno[ink] for ink in ("red", "green", "blue")}, "ground": "GND"},
        "serial-neopixels": {"5V": "5V", "DIN": uno["data"], "GND": "GND"},
        "pixels-strip": {"DIN": "GPIO10", "GND": "GND"},
    }


@pytest.mark.parametrize("name", examples())
def test_each_wire_leads_from_its_leg_to_the_pin_of_the_example(name: str) -> None:
    picture = parsed(name)
    (use,) = picture.findall(f"{SVG}use")
    part = next(g for g in picture.iter(f"{SVG}g") if f"#{g.get('id')}" == use.get("href"))
    middle = float(use.get("y", ""))
    # a leg's name ends right above its wire, or to the left of it
    legs = {
        float(text.get("y", "")): text.text
        for text in part.findall(f"{SVG}text[@text-anchor='end']")
    }
    pins = {
        (float(text.get("y", "")) - 4, float(text.get("x", "")) > 705): text.text or ""
        for text in picture.findall(f"{SVG}text")
    }
    wired = {}
    for wire in picture.findall(f"{SVG}path[@class='wire']"):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", wire.get("d", ""))]
        start, right = numbers[1] - middle, "V" in wire.get("d", "")
        leg = legs.get(start - 7) or legs[start + 4]
        wired[leg] = pins[numbers[-2 if right else -1], right]
    bare = {leg: re.sub(r" · .*", "", pin) for leg, pin in wired.items()}
    assert bare == examples()[name]
    page = ROOT / "docs" / "lights" / f"{name.partition('-')[0]}.md"
    alt, _ = pictures(page)[name]
    for pin in wired.values():
        assert re.search(rf"\b{pin.replace(' · ', ', place ')}\b", alt), (pin, alt)


@pytest.mark.parametrize("kind", PAGES)
def test_the_page_of_a_kind_shows_it_and_says_how_to_set_it_up_and_what_may_fail(
    kind: str,
) -> None:
    text = PAGES[kind].read_text(encoding="utf-8")
    alt, place = pictures(PAGES[kind])[kind]
    for look in ("in a call", "available", "away", "offline", "blink"):
        assert look in alt
    assert f'kind = "{kind}"' in text
    assert re.search(r"(?m)^\| (what you see|message) \|.*\| (remedy|do) \|$", text)
    assert f"presence-driver {'test' if kind != 'console' else 'desk'}" in text
    if kind != "console":
        assert place < text.index("\n## "), "near the top"
        assert re.search(r"not tried|not at hand", text.rpartition("|\n")[2])


def test_the_page_names_every_colour_that_a_look_may_have() -> None:
    text = PAGES["console"].read_text(encoding="utf-8")
    (names,) = re.findall(r"or a name \(([^)]+)\)", text)
    assert re.split(r",\s+", names) == list(COLORS)
