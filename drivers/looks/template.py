"""Text with placeholders, such as ``{hex}`` and ``{person}``, for a device of any kind. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from bridge.config.validation_errors import unknown
from bridge.contract.light import Effect, LightState
from drivers.base import Capability, Words
from drivers.looks.brightness import is_lit

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_JSON = re.compile(r'\s*(\{\s*["}]|\[)')
_OF_LEVEL = {"state", "on", "r", "g", "b", "hex", "brightness", "percent"}
"""Gaps whose values change from one frame of an animation to the next."""


def values(state: LightState, words: Words) -> dict[str, str]:
    """What may stand in a placeholder, by name."""
    lit = is_lit(state)
    r, g, b = state.rgb
    red, green, blue = state.color
    return {
        "state": "ON" if lit else "OFF",
        "on": "true" if lit else "false",
        "r": str(r),
        "g": str(g),
        "b": str(b),
        "hex": f"{r:02x}{g:02x}{b:02x}",
        "red": str(red),
        "green": str(green),
        "blue": str(blue),
        "brightness": str(round(state.brightness * 255) if lit else 0),
        "percent": str(round(state.brightness * 100) if lit else 0),
        "effect": str(state.effect),
        "period": f"{state.period_s:g}",
        "person": words.person,
        "activity": words.activity,
        "availability": words.availability,
        "look": words.look,
    }


WORDS = frozenset(Words.__dataclass_fields__)
NAMES = sorted(values(LightState(), Words()))

_OF_CAPABILITY = {
    Capability.COLOR: {"r", "g", "b", "hex", "red", "green", "blue"},
    Capability.WHITE: {"brightness", "percent"},
    Capability.ON_OFF: {"state", "on"},
}


def placeholders_of(*templates: str) -> set[str]:
    """The names of all placeholders."""
    return {name for template in templates for name in _PLACEHOLDER.findall(template)}


def has_words(*templates: str | None) -> bool:
    """Whether anything in them is a word."""
    return bool(placeholders_of(*filter(None, templates)) & WORDS)


def check(template: str, more: tuple[str, ...] = ()) -> str:
    """Return ``template`` when each ``{word}`` in it is a placeholder; other braces are free."""
    names = sorted({*NAMES, *more})
    for name in _PLACEHOLDER.findall(template):
        if name not in names:
            raise ValueError(f"{{{name}}}: {unknown(name, names)}")
    return template


def fill(
    template: str, values: Mapping[str, str], quote: Callable[[str], str] = lambda value: value
) -> str:
    """``template`` with ``values`` in its placeholders, each written as ``quote`` does."""
    return _PLACEHOLDER.sub(lambda placeholder: quote(values[placeholder.group(1)]), template)


def fill_payload(template: str, values: Mapping[str, str]) -> str:
    """The same for a payload: a word with a quotation mark leaves JSON what it is."""
    if not _JSON.match(template):
        return fill(template, values)
    return fill(template, values, lambda value: json.dumps(value, ensure_ascii=False)[1:-1])


def capability_of(*templates: str) -> Capability:
    """What a device can show that gets no more than what is in the placeholders.

    One that gets words alone has a look for each of them.
    """
    placeholders = placeholders_of(*templates)
    for capability, names in _OF_CAPABILITY.items():
        if placeholders & names:
            return capability
    return Capability.COLOR if placeholders & WORDS else Capability.ON_OFF


def effects_of(*templates: str) -> frozenset[Effect]:
    """Effects that need no frames: all, where the device gets their names, or words alone."""
    placeholders = placeholders_of(*templates)
    is_sign = placeholders & WORDS and not placeholders & _OF_LEVEL
    alone = "effect" in placeholders or is_sign
    return frozenset(Effect) if alone else frozenset({Effect.SOLID})
