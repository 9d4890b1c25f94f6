"""Lights as rows: whether they answer, what they show and why, who decides, and forms. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from bridge import DOCS_URL
from bridge.contract.clock import apart_words
from bridge.contract.light import Can, Effect
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Light, Snapshot
from bridge.web.render.document import section
from bridge.web.render.forms import disclosure, form, link_away, text_field
from bridge.web.render.lamp_why import color_name, reason_words, why_box
from bridge.web.render.markup import join, numbered, tag

FOLLOW, TRY, OFF_FOR, SET = "follow", "try-lamp", "lamp-off", "set-lamp"
"""The forms of a lamp."""
OFF_FOR_S = 3600
_MODES = {
    "follow": "follows presence",
    "manual": "set by hand",
    "off": "switched off by hand",
}


def lights_section(snapshot: Snapshot, calendar: Calendar) -> Markup:
    """A row for each light; what to do next when there is none."""
    if not snapshot.lights:
        return _no_lights(snapshot.service.broker)
    accounts = {light.account for light in snapshot.lights}
    accounts |= {
        each.account for light in snapshot.lights if light.why for each in light.why.followed
    }
    names = {each.account: each.name for each in snapshot.people if each.account in accounts}
    rows = [_row(light, names, calendar) for light in snapshot.lights]
    return section("lights", "Lights", tag("ul", rows, class_="card rows"))


def _no_lights(broker: str) -> Markup:
    """What to do next, where the lamps will be; ``broker`` is where all of them meet."""
    kinds = link_away("lamps, kind by kind", f"{DOCS_URL}/lights.md")
    what = "What is there, and what to make of it"
    entities = link_away(what, f"{DOCS_URL}/home-assistant.md")
    card = tag(
        "div",
        tag("p", "No lamp yet."),
        disclosure(
            "Add a lamp",
            numbered(
                join("Choose what shines, and write its table into config.toml: ", kinds),
                "On the machine that it hangs on, start presence-driver NAME.",
                "It appears here by itself.",
            ),
        ),
        disclosure(
            "Show it in Home Assistant",
            numbered(
                "Settings, Devices & services, Add integration: MQTT.",
                f"Give it the same broker; the bridge reaches it as {broker}.",
                join("People appear there as devices by themselves. ", entities),
            ),
        ),
        class_="card",
    )
    return section("lights", "Lights", card)


def _row(light: Light, names: dict[str, str], calendar: Calendar) -> Markup:
    answers = light.online and light.reachable
    words = tag(
        "div",
        tag("h3", light.name),
        tag("p", _health(light, calendar), class_="fine" if answers else "fine warn"),
        tag("p", _shows(light), _why(light, names)) if light.online else None,
        why_box(light.name, light.why, names, calendar) if light.online and light.why else None,
    )
    return tag("li", _bulb(light), words, _forms(light), id=light.row)


def _bulb(light: Light) -> Markup:
    color = _color(light) if light.online else None
    return tag(
        "svg",
        tag("circle", cx=12, cy=12, r=10, fill=color or "none"),
        viewBox="0 0 24 24",
        class_="bulb" if color else "bulb dark",
        aria_hidden="true",
    )


def _color(light: Light) -> str | None:
    """What it shines in, as HTML writes it; ``None`` while it does not."""
    return "#{:02x}{:02x}{:02x}".format(*light.look.color) if light.look and light.look.on else None


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


def _forms(light: Light) -> Markup | None:
    """Those that its driver understands; none while that does not run."""
    if not light.online:
        return None
    label, element_id = f"Set by hand: {light.name}", f"hand-light-{light.name}"
    by_hand = disclosure("Set by hand", _by_hand(light), label=label, element_id=element_id)
    return tag("div", tag("div", _buttons(light), class_="row"), by_hand)


def _buttons(light: Light) -> Iterator[Markup]:
    if light.mode != "follow":
        yield _button(light, FOLLOW, "Follow presence", "Let {} follow presence again")
    if light.can(Can.TRY) and light.why:
        label, text = ("Stop", "Stop trying {}") if light.why.trying else ("Try", "Try {}")
        yield _button(light, TRY, label, text)
    if light.can(Can.FOR_S) and light.mode != "off":
        yield _button(light, OFF_FOR, "Off for an hour", "Off for an hour: {}")


def _button(light: Light, action: str, button: str, label: str) -> Markup:
    label = label.format(light.name)
    return form(action, button=button, css="quiet", label=label, light=light.name)


def _by_hand(light: Light) -> Markup:
    """Of a light without colours only the brightness; of one that cannot be dimmed neither."""
    color, look = _color(light), light.look
    percent = max(1, round(100 * look.brightness)) if look and look.on else 100
    fields: dict[str, tuple[str, dict[str, str | int]]] = {}
    if light.capability == "rgb":
        fields["color"] = "Colour", {"type": "color", "value": color or "#ffffff"}
    if light.capability != "onoff":
        about: dict[str, str | int] = {"type": "range", "min": 1, "max": 100, "value": percent}
        fields["brightness"] = "Brightness", about
    shown = [
        text_field(name, label, element_id=f"{name}-light-{light.name}", required=False, **about)
        for name, (label, about) in fields.items()
    ]
    return form(SET, *shown, button="Set", label=f"Set {light.name}", light=light.name)
