"""A decision in words: the look, the rule that won, and those that lost to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.base import Capability
from drivers.rules import GIVE_BACK, Decision, Shown

_LIGHTS = {
    Capability.WHITE: "a light without colours",
    Capability.ON_OFF: "a light that knows on and off only",
}


def described(decision: Decision, capability: Capability = Capability.COLOR) -> str:
    """The decision for people, on a light that can do ``capability``."""
    who = f" ({decision.account})" if decision.account not in (None, "-") else ""
    what = f"\non: {_LIGHTS[capability]}" if capability in _LIGHTS else ""
    return f"{_look(decision.state, capability)}\nbecause: {decision.rule}{who}{what}"


def lost_words(decision: Decision) -> Iterator[str]:
    """What asked for another look, and what it lost to; a line each."""
    for reason in decision.lost:
        who = f" ({reason.account})" if reason.account not in (None, "-") else ""
        yield f"not: {reason.rule}{who}; {reason.because}"


def _look(shown: Shown, capability: Capability) -> str:
    if shown is None:
        return "left as it is"
    if shown is GIVE_BACK:
        return "given back: as it was found, then left alone"
    if not shown.on:
        return "off"
    level, effect = f"{shown.brightness:.0%}", str(shown.effect)
    if capability is Capability.ON_OFF:
        return f"on, {effect}" if any(shown.rgb) else "off"
    if capability is Capability.WHITE:
        return f"{level}, {effect}"
    red, green, blue = shown.color
    return f"#{red:02x}{green:02x}{blue:02x} at {level}, {effect}"
