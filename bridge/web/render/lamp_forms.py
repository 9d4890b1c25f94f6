"""What can be done with a lamp: follow presence, try its looks, off for a while, by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from bridge.contract.light import Can
from bridge.web.data.snapshot import Light
from bridge.web.render.forms import form
from bridge.web.render.markup import join, tag

FOLLOW, TRY, OFF_FOR, SET = "follow", "try-lamp", "lamp-off", "set-lamp"
OFF_FOR_S = 3600


def lamp_forms(light: Light) -> Markup | None:
    """Those that its driver understands; none while that does not run."""
    if not light.online:
        return None
    by_hand = tag(
        "details",
        tag("summary", "Set by hand", aria_label=f"Set by hand: {light.name}"),
        _by_hand(light),
        id=f"hand-light-{light.name}",
    )
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
    look = light.look if light.look and light.look.on else None
    color = "#{:02x}{:02x}{:02x}".format(*look.color) if look else "#ffffff"
    percent = max(1, round(100 * look.brightness)) if look else 100
    fields = []
    if light.capability == "rgb":
        fields.append(_field(light, "color", "Colour", type="color", value=color))
    if light.capability != "onoff":
        limits = {"min": 1, "max": 100, "value": percent}
        fields.append(_field(light, "brightness", "Brightness", type="range", **limits))
    return form(SET, *fields, button="Set", label=f"Set {light.name}", light=light.name)


def _field(light: Light, name: str, label: str, **attributes: str | int) -> Markup:
    own = f"{name}-light-{light.name}"
    return join(tag("label", label, for_=own), tag("input", id=own, name=name, **attributes))
