"""The way from presence to a lamp of each kind, and signs with their words.

Names, addresses, topics, words and pins are those of the examples in docs/lights.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from svg import INK, ROOT, WIDTH, sheet, text

from drivers.base import Words
from drivers.lifx_lamp import LifxOptions
from drivers.looks.template import fill, fill_payload, values
from drivers.looks.words import called
from drivers.rules import DEFAULT_LOOKS
from drivers.wiz_lamp import WizOptions
from drivers.yeelight_lamp import YeelightOptions

BOX, EDGE, TOP = 148, 12, 20
"""Width of a station, margin at the left and right, and margin at the top."""
HIGH, LONG = 92, 19
"""Height of a station, and letters of a title that is written smaller."""
LOOK = "in_a_call"
POWER = {INK["5V"], INK["GND"]}
FACTS = ("broker", "account/alice/state")


class Station(NamedTuple):
    """One stop on the way; ``by`` leads to it, and ``art`` stands there instead of a box."""

    title: str
    below: str = ""
    by: str = ""
    art: str = ""


def lamp(page: str, name: str = r"\w+") -> tuple[str, dict[str, Any]]:
    """The first lamp of a page's examples, or the one called ``name``, and its name."""
    markdown = (ROOT / "docs" / page).read_text(encoding="utf-8")
    block = re.search(rf"(?ms)^```toml\n(\[drivers\.{name}\]\n.*?)^```", markdown)
    assert block, page
    ((name, table),) = tomllib.loads(block[1])["drivers"].items()
    return name, table


def line(x: float, y: float, to_x: float, ink: str = "#a3b1bf") -> str:
    """An arrow to the right."""
    return (
        f'<path class="line" style="stroke:{ink}" d="M{x:g} {y:g}H{to_x - 7:g}"/>'
        f'<path fill="{ink}" d="M{to_x:g} {y:g}l-9-5v10z"/>'
    )


def box(x: float, station: Station) -> str:
    """A station with its two lines."""
    middle = x + BOX / 2
    shape = f'<rect class="body" x="{x:g}" y="{TOP}" width="{BOX}" height="{HIGH}" rx="8"/>'
    if station.art == "strip":
        shape = "".join(
            f'<rect class="body" x="{x + 8 + 22 * led:g}" y="52" width="20" height="20" rx="3"/>'
            f'<circle class="light" cx="{x + 18 + 22 * led:g}" cy="62" r="6" filter="url(#glow)"/>'
            for led in range(6)
        )
    elif station.art:
        at = f'transform="translate({middle:g} {TOP + 46})"'
        shape = f'<g {at}><use href="#{station.art}"/><use href="#{station.art}-light"/></g>'
    y = TOP + HIGH + 16 if station.art else TOP + HIGH / 2 - (4 if station.below else -5)
    kind = "t" if len(station.title) < LONG else "s"
    lines = text(middle, y, html.escape(station.title), kind)
    return shape + lines + text(middle, y + 19, html.escape(station.below)) * bool(station.below)


def way(*stations: Station, back: str = "") -> str:
    """Stations from left to right; ``back`` is what leads from the last to the lamp's driver."""
    color = "#" + bytes(DEFAULT_LOOKS[LOOK].color).hex()
    step = (WIDTH - 2 * EDGE - BOX) / (len(stations) - 1)
    middle, body = TOP + HIGH / 2, ""
    for place, station in enumerate(stations):
        x = EDGE + step * place
        body += f'<g color="{color}">{box(x, station)}</g>\n'
        if place:
            body += line(x - step + BOX + 4, middle, x - 4)
            body += text(x - (step - BOX) / 2, middle - 10, html.escape(station.by)) + "\n"
    height = TOP + HIGH + (48 if stations[-1].art else TOP)
    if back:
        driver = next(place for place, one in enumerate(stations) if "driver" in one.title)
        start, end = WIDTH - EDGE - BOX / 2, EDGE + step * driver + BOX / 2
        low = TOP + HIGH + 40
        body += f'<path class="line" d="M{start:g} {low - 14}V{low}H{end:g}V{TOP + HIGH + 9}"/>'
        body += f'<path fill="#66737f" d="M{end:g} {TOP + HIGH + 2}l-5 9h10z"/>'
        body += text((start + end) / 2 - 40, low - 6, html.escape(back)) + "\n"
        height = low + 14
    return sheet(f"From presence to {html.escape(stations[-1].title)}", height, body)


def on_the_network(kind: str, by: str) -> str:
    """A lamp in the same network."""
    name, _ = lamp(f"lights/{kind}.md")
    driver, router = Station(f"presence-driver {name}", "no cloud"), Station("router", by=by)
    lit = Station("lamp", by="Wi-Fi", art="hue")
    return way(Station(*FACTS), driver, router, lit, back="how it is, before the first look too")


def wires(part: str, between: str, ends: dict[str, tuple[str, str]]) -> str:
    """An ESP32 and a part; what leads from which pin to which end, in which ink, by what."""
    height, body = 44 + 30 * len(ends), ""
    for x, title, anchor in ((170, "ESP32", "end"), (540, part, "start")):
        body += f'<rect class="body" x="{x}" y="14" width="130" height="{height - 28}" rx="8"/>'
        aside = x - 12 if anchor == "end" else x + 142
        body += text(aside, height / 2 + 5, title, "t", anchor) + "\n"
    for row, (pin, (end, ink)) in enumerate(ends.items()):
        y = 37 + 30 * row
        body += f'<path class="wire" stroke="{ink}" d="M300 {y}H540"/>'
        body += text(290, y + 4, pin, "s", "end") + text(550, y + 4, end, "s", "start") + "\n"
    rows = [37 + 30 * row for row, (_, ink) in enumerate(ends.values()) if ink not in POWER]
    high = rows[-1] - rows[0] + 22
    body += f'<rect class="body" x="350" y="{rows[0] - 11}" width="140" height="{high}" rx="5"/>'
    body += text(420, sum(rows) / len(rows) + 4, between) + "\n"
    return sheet(f"Wiring: ESP32 and {part}", height, body)


def signs() -> str:
    """What three signs show of somebody in a call, by the templates of the examples."""
    name, sign = lamp("lights.md", "sign")
    state = DEFAULT_LOOKS[LOOK].state()
    filled = values(state, called(Words("alice", LOOK, "busy", LOOK), sign["words"]))
    shown = json.loads(fill_payload(sign["payload"], filled))
    _, flag = lamp("lights/command.md")
    run = fill(flag["command"][0], filled).rpartition("/")[2]
    texts = substitutions("presence-sign.yaml")
    body = '<rect class="dark" x="24" y="26" width="240" height="76" rx="6" stroke="#66737f"/>'
    body += f'<text class="mono" x="144" y="70" text-anchor="middle" style="fill:{shown["color"]}">'
    body += f"{html.escape(shown['text'])}</text>\n"
    body += text(144, 124, f"a matrix, by mqtt or http ({html.escape(name)})")
    body += '<rect x="300" y="26" width="240" height="76" rx="6" fill="#e9e7df"/>'
    for y, size, word in ((60, 20, filled["person"]), (84, 15, filled["activity"])):
        body += f'<text class="d" x="420" y="{y}" text-anchor="middle" style="font-size:{size}px">'
        body += f"{html.escape(word)}</text>\n"
    body += text(420, 124, f"e-ink, by command ({html.escape(run)})")
    body += '<rect x="576" y="26" width="240" height="76" rx="6" fill="#2e4f86" stroke="#66737f"/>'
    body += text(592, 52, texts["person"], "mono", "start") + text(
        592, 84, texts[LOOK], "mono", "start"
    )
    body += text(696, 124, "an LCD on an ESP32, without a driver")
    return sheet("Signs with words", 140, body + "\n")


def substitutions(file: str) -> dict[str, str]:
    """Those of one of ESPHome's files."""
    yaml = (ROOT / "packaging" / "esphome" / file).read_text(encoding="utf-8")
    return dict(
        re.findall(r"(?m)^  (\w+): ([^#\n]+?)\s*(?:#.*)?$", yaml.partition("\n\nesphome:")[0])
    )


def ways() -> dict[str, str]:
    """Every drawing of this module, by its name."""
    hall, _ = lamp("lights/virtual.md")
    flag, program = lamp("lights/command.md")
    porch, web = lamp("lights/http.md")
    desk, bulb = lamp("lights/mqtt.md")
    strip, _ = lamp("lights/wled.md")
    facts, driver = Station(*FACTS), "presence-driver {}"
    rest = urlsplit(web["url"])
    lifx, wiz, yeelight = (
        options.model_fields["port"].default
        for options in (LifxOptions, WizOptions, YeelightOptions)
    )
    leds, sign = substitutions("presence-lamp.yaml"), substitutions("presence-sign.yaml")
    power, ground = ("5V", INK["5V"]), ("GND", INK["GND"])
    return {
        "virtual": way(
            facts,
            Station(driver.format(hall), "looks, schedule, hand"),
            Station(f"light.{hall}", "Home Assistant"),
            Station("Mirror a lamp", "blueprint"),
            Station("light.ceiling", "its own colour back", art="hue"),
        ),
        "command": way(
            facts,
            Station(driver.format(flag), "one run at a time"),
            Station(program["command"][0], "#ff0000 in_a_call", by="runs, without a shell"),
        ),
        "http": way(
            facts,
            Station(driver.format(porch), "fills the placeholders"),
            Station(str(rest.hostname), by=f"POST {rest.path}", art="mqtt"),
        ),
        "mqtt-way": way(
            facts,
            Station(driver.format(desk), f"{bulb['topic']}/set"),
            Station("zigbee2mqtt", by="broker"),
            Station("bulb", by="Zigbee", art="hue"),
            back=f"{bulb['topic']}: how it is, also before the first look",
        ),
        "wled": way(
            facts,
            Station(driver.format(strip), "segments, effects"),
            Station("WLED", by="Wi-Fi: POST /json/state", art="strip"),
            back="read every 5 s, and before the first look",
        ),
        "lifx": on_the_network("lifx", f"UDP {lifx}"),
        "wiz": on_the_network("wiz", f"UDP {wiz}"),
        "yeelight": on_the_network("yeelight", f"TCP {yeelight}"),
        "esphome-lamp": wires(
            "WS2812", "330 Ω", {leds["pin"]: ("DIN", INK["DIN"]), "5V": power, "GND": ground}
        ),
        "esphome-sign": wires(
            "LCD with PCF8574",
            "I²C level shifter",
            {
                sign["sda"]: ("SDA", INK["blue"]),
                sign["scl"]: ("SCL", INK["amber"]),
                "5V": ("VCC", INK["5V"]),
                "GND": ground,
            },
        ),
        "signs": signs(),
    }
