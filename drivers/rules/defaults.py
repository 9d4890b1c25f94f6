"""The looks of a lamp that nobody configured, and the order of busyness. Pure data."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.contract.light import Effect
from bridge.contract.presence import Availability
from bridge.contract.presence_kind import COLORS, Kind
from drivers.base import Capability
from drivers.rules.look import Look, parse_color

UNKNOWN, SIGN_IN_NEEDED, OUT_OF_OFFICE, DEFAULT = (
    "unknown",
    "sign_in_needed",
    "out_of_office",
    "default",
)


DARK, LIT = Look(off=True), Look()


def _look(color: str, brightness: float = 1.0, effect: Effect = Effect.SOLID) -> Look:
    return Look(color=parse_color(color), brightness=brightness, effect=effect)


def _white(brightness: float, effect: Effect = Effect.SOLID) -> Look:
    return Look(brightness=brightness, effect=effect)


def _kind(kind: Kind, brightness: float = 1.0, effect: Effect = Effect.SOLID) -> Look:
    return _look(COLORS[kind], brightness, effect)


DEFAULT_LOOKS: Mapping[str, Look] = {
    "in_a_call": _kind(Kind.CALL, effect=Effect.PULSE),
    "in_a_conference_call": _kind(Kind.CALL, effect=Effect.PULSE),
    "presenting": _look("magenta", effect=Effect.PULSE),
    "in_a_meeting": _look("orange"),
    "urgent_interruptions_only": _look("purple"),
    "focusing": _look("purple", 0.7),
    "do_not_disturb": _look("purple"),
    "busy": _kind(Kind.BUSY, 0.6),
    "busy_idle": _kind(Kind.BUSY, 0.3),
    "available": _kind(Kind.AVAILABLE, 0.6),
    "available_idle": _kind(Kind.AVAILABLE, 0.3),
    "be_right_back": _kind(Kind.AWAY, 0.6),
    "away": _kind(Kind.AWAY, 0.4),
    "inactive": _kind(Kind.AWAY, 0.3),
    "out_of_office": _look("indigo", 0.4),
    "offline": DARK,
    "off_work": DARK,
    "unknown": _kind(Kind.UNKNOWN, 0.15),
    "sign_in_needed": _look("blue", 0.6, Effect.BLINK),
    "default": _look("white", 0.3),
}
"""A calendar meeting is orange, a call is red and moves: they are not the same."""

WHITE_LOOKS: Mapping[str, Look] = {
    "in_a_call": _white(1.0, Effect.PULSE),
    "in_a_conference_call": _white(1.0, Effect.PULSE),
    "presenting": _white(1.0, Effect.PULSE),
    "in_a_meeting": _white(0.7),
    "urgent_interruptions_only": _white(1.0),
    "focusing": _white(1.0),
    "do_not_disturb": _white(1.0),
    "busy": _white(0.5),
    "busy_idle": _white(0.3),
    "available": _white(0.1),
    "available_idle": _white(0.05),
    "be_right_back": DARK,
    "away": DARK,
    "inactive": DARK,
    "out_of_office": DARK,
    "offline": DARK,
    "off_work": DARK,
    "unknown": DARK,
    "sign_in_needed": _white(0.3, Effect.BLINK),
    "default": _white(0.1),
}
"""The brighter, the less to be disturbed."""

ON_OFF_LOOKS: Mapping[str, Look] = {
    "in_a_call": LIT,
    "in_a_conference_call": LIT,
    "presenting": LIT,
    "urgent_interruptions_only": LIT,
    "focusing": LIT,
    "do_not_disturb": LIT,
    "unknown": DARK,
    "sign_in_needed": DARK,
    "default": DARK,
}
"""A sign that says "on air": who writes ``default`` has it for all that is not named here."""

SHIPPED_LOOKS: Mapping[Capability, Mapping[str, Look]] = {
    Capability.COLOR: DEFAULT_LOOKS,
    Capability.WHITE: WHITE_LOOKS,
    Capability.ON_OFF: ON_OFF_LOOKS,
}

LOOK_NAMES = frozenset(DEFAULT_LOOKS) | {item.value for item in Availability if item != "other"}

BUSYNESS = (
    "presenting",
    "in_a_conference_call",
    "in_a_call",
    "do_not_disturb",
    "urgent_interruptions_only",
    "focusing",
    "in_a_meeting",
    "busy",
    "busy_idle",
    "available",
    "available_idle",
    "inactive",
    "be_right_back",
    "away",
    "out_of_office",
    "sign_in_needed",
    "offline",
    "off_work",
)
"""Who wins when several people share a lamp: the first named here. Unknown comes last.

Nobody's presence is hidden by another's trouble, but the dark of somebody offline is."""
