"""Lights as rows: whether they answer, what they show and why, who decides. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.contract.clock import apart_words
from bridge.contract.light import Effect
from bridge.web.data.snapshot import Light, Snapshot
from bridge.web.render.document import section
from bridge.web.render.first_day import no_lights
from bridge.web.render.forms import form
from bridge.web.render.markup import tag

_MODES = {
    "follow": "follows presence",
    "manual": "set by hand",
    "off": "switched off by hand",
}
_COLORS = {
    "red": (255, 0, 0),
    "orange": (255, 128, 0),
    "yellow": (255, 220, 0),
    "green": (0, 255, 0),
    "turquoise": (0, 255, 255),
    "blue": (0, 0, 255),
    "purple": (128, 0, 255),
    "pink": (255, 0, 180),
    "white": (255, 255, 255),
    "warm white": (255, 200, 140),
    "grey": (128, 128, 128),
}


def lights_section(snapshot: Snapshot) -> Markup:
    """A row for each light; what to do next when there is none."""
    if not snapshot.lights:
        return no_lights(snapshot.service.broker)
    accounts = {light.account for light in snapshot.lights}
    names = {each.account: each.name for each in snapshot.people if each.account in accounts}
    rows = [_row(light, names) for light in snapshot.lights]
    return section("lights", "Lights", tag("ul", rows, class_="card rows"))


def color_name(rgb: tuple[int, int, int]) -> str:
    """A colour by the nearest plain word, for those who do not see it."""
    return min(_COLORS, key=lambda name: _distance(_COLORS[name], rgb))


def _row(light: Light, names: dict[str, str]) -> Markup:
    answers = light.online and light.reachable
    words = tag(
        "div",
        tag("h3", light.name),
        tag("p", _health(light), class_="fine" if answers else "fine warn"),
        tag("p", _shows(light), _why(light, names)) if light.online else None,
    )
    follow = form(
        "follow",
        button="Follow presence",
        css="quiet",
        label=f"Let {light.name} follow presence again",
        light=light.name,
    )
    can_follow = light.online and light.mode != "follow"
    row = (_bulb(light), words, follow if can_follow else None)
    return tag("li", *row, id=f"light-{light.name}")


def _bulb(light: Light) -> Markup:
    look = light.look if light.online else None
    lit = look is not None and look.on
    color = "#{:02x}{:02x}{:02x}".format(*look.color) if look and lit else "none"
    return tag(
        "svg",
        tag("circle", cx=12, cy=12, r=10, fill=color),
        viewBox="0 0 24 24",
        class_="bulb" if lit else "bulb dark",
        aria_hidden="true",
    )


def _health(light: Light) -> str:
    if not light.online:
        return "Its driver is not running"
    if not light.reachable:
        return "Does not answer"
    apart_s = light.clock_apart_s  # of ours, ahead of its host's
    clock = f", its clock is {apart_words(-apart_s)} ours" if apart_s else ""
    return f"Online, {_MODES.get(light.mode, light.mode)}{clock}"


def _shows(light: Light) -> str:
    look = light.look
    if look is None:
        return "Left as it is"
    if not look.on:
        return "Shows nothing"
    effect = "" if look.effect is Effect.SOLID else f", {look.effect}"
    return f"Shows {color_name(look.color)} at {round(100 * look.brightness)} %{effect}"


def _why(light: Light, names: dict[str, str]) -> str:
    """The rule, while it is the rule that decides."""
    if light.mode != "follow" or not light.rule:
        return ""
    rule = light.rule.replace("_", " ")
    if not light.account:
        return f": {rule}"
    who = names.get(light.account, light.account)
    kind, _, what = rule.partition(" ")
    return f": {who} is {what}" if kind in ("activity", "availability") else f": {rule}, {who}"


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
