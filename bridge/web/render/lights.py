"""Lights as rows: whether they answer, what they show and why, who decides. Pure."""

from __future__ import annotations

from bridge.contract.light import Effect
from bridge.web.data.snapshot import Light, Snapshot
from bridge.web.render.forms import form
from bridge.web.render.markup import Html, join, tag

_MODES = {
    "follow": "follows presence",
    "manual": "set by hand",
    "off": "switched off by hand",
}

_LONG_MIN = 120


def lights_section(snapshot: Snapshot) -> Html | None:
    """A row a light that was ever heard of; nothing when there is none."""
    if not snapshot.lights:
        return None
    asked = {light.account for light in snapshot.lights}
    names = {each.account: each.name for each in snapshot.people if each.account in asked}
    return tag(
        "section",
        tag("h2", "Lights", id="lights-title"),
        tag("ul", [_row(light, names) for light in snapshot.lights], class_="card rows"),
        id="lights",
        aria_labelledby="lights-title",
    )


def _row(light: Light, names: dict[str, str]) -> Html:
    answers = light.online and light.reachable
    return tag(
        "li",
        _bulb(light),
        tag(
            "div",
            tag("h3", light.name),
            tag("p", _health(light), class_="fine" if answers else "fine warn"),
            tag("p", join(_shows(light), _why(light, names))) if light.online else None,
        ),
        form(
            "follow",
            button="Follow presence",
            css="quiet",
            label=f"Let {light.name} follow presence again",
            light=light.name,
        )
        if light.online and light.mode != "follow"
        else None,
        id=f"light-{light.name}",
    )


def _bulb(light: Light) -> Html:
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
    return f"Online, {_MODES.get(light.mode, light.mode)}{_clock(light.clock_apart_s)}"


def _clock(apart_s: int) -> str:
    """How wrong the clock of its host is, or ours."""
    if not apart_s:
        return ""
    minutes = max(1, round(abs(apart_s) / 60))
    far = f"{minutes} min" if minutes < _LONG_MIN else f"{round(minutes / 60)} h"
    return f", its clock is {far} {'behind' if apart_s > 0 else 'ahead of'} ours"


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


def color_name(rgb: tuple[int, int, int]) -> str:
    """A colour by the nearest plain word, for those who do not see it."""
    return min(_COLORS, key=lambda name: _distance(_COLORS[name], rgb))


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


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
