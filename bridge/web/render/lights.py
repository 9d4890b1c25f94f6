"""Lights as rows: whether they answer, what they show and why, who decides. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.contract.clock import apart_words
from bridge.contract.light import Effect
from bridge.web.data.snapshot import Light, Snapshot
from bridge.web.data.words import Calendar
from bridge.web.render.document import section
from bridge.web.render.first_day import no_lights
from bridge.web.render.lamp_forms import lamp_forms
from bridge.web.render.lamp_why import color_name, reason_words, why_box
from bridge.web.render.markup import tag

_MODES = {
    "follow": "follows presence",
    "manual": "set by hand",
    "off": "switched off by hand",
}


def lights_section(snapshot: Snapshot, calendar: Calendar) -> Markup:
    """A row for each light; what to do next when there is none."""
    if not snapshot.lights:
        return no_lights(snapshot.service.broker)
    accounts = {light.account for light in snapshot.lights}
    accounts |= {
        each.account for light in snapshot.lights if light.why for each in light.why.followed
    }
    names = {each.account: each.name for each in snapshot.people if each.account in accounts}
    rows = [_row(light, names, calendar) for light in snapshot.lights]
    return section("lights", "Lights", tag("ul", rows, class_="card rows"))


def _row(light: Light, names: dict[str, str], calendar: Calendar) -> Markup:
    answers = light.online and light.reachable
    words = tag(
        "div",
        tag("h3", light.name),
        tag("p", _health(light, calendar), class_="fine" if answers else "fine warn"),
        tag("p", _shows(light), _why(light, names)) if light.online else None,
        why_box(light.name, light.why, names, calendar) if light.online and light.why else None,
    )
    return tag("li", _bulb(light), words, lamp_forms(light), id=f"light-{light.name}")


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


def _health(light: Light, calendar: Calendar) -> str:
    if not light.online:
        return "Its driver is not running"
    if not light.reachable:
        return "Does not answer"
    apart_s = light.clock_apart_s  # of ours, ahead of its host's
    clock = f", its clock is {apart_words(-apart_s)} ours" if apart_s else ""
    until = light.why.until if light.why else None
    lasts = f" until {calendar.clock(until)}" if until else ""
    return f"Online, {_MODES.get(light.mode, light.mode)}{lasts}{clock}"


def _shows(light: Light) -> str:
    look = light.look
    if look is None:
        return "Left as it is"
    if not look.on:
        return "Shows nothing"
    effect = "" if look.effect is Effect.SOLID else f", {look.effect}"
    return f"Shows {color_name(look.color)} at {round(100 * look.brightness)} %{effect}"


def _why(light: Light, names: dict[str, str]) -> str:
    """What decides, where that is no person's choice, which stands above."""
    why = light.why
    if why and why.trying:
        return f": {why.won.rule}"
    if light.mode != "follow":
        return ""
    rule, account = (why.won.rule, why.won.account) if why else (light.rule, light.account)
    return f": {reason_words(rule, account, names)}" if rule else ""
