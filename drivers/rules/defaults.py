"""The looks of a lamp that nobody configured, and the order of busyness. Pure data."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.contract.light import Effect
from bridge.contract.presence import Activity, Availability
from drivers.rules.look import Look, parse_color

UNKNOWN, SIGN_IN_NEEDED, OUT_OF_OFFICE, DEFAULT = (
    "unknown",
    "sign_in_needed",
    "out_of_office",
    "default",
)


def _look(color: str, brightness: float = 1.0, effect: Effect = Effect.SOLID) -> Look:
    return Look(color=parse_color(color), brightness=brightness, effect=effect)


DEFAULT_LOOKS: Mapping[str, Look] = {
    "in_a_call": _look("red", effect=Effect.PULSE),
    "in_a_conference_call": _look("red", effect=Effect.PULSE),
    "presenting": _look("magenta", effect=Effect.PULSE),
    "in_a_meeting": _look("orange"),
    "urgent_interruptions_only": _look("purple"),
    "focusing": _look("purple", 0.7),
    "do_not_disturb": _look("purple"),
    "busy": _look("red", 0.6),
    "busy_idle": _look("red", 0.3),
    "available": _look("green", 0.6),
    "available_idle": _look("green", 0.3),
    "be_right_back": _look("yellow", 0.6),
    "away": _look("yellow", 0.4),
    "inactive": _look("yellow", 0.3),
    "out_of_office": _look("indigo", 0.4),
    "offline": Look(off=True),
    "off_work": Look(off=True),
    "unknown": _look("white", 0.15),
    "sign_in_needed": _look("blue", 0.6, Effect.BLINK),
    "default": _look("white", 0.3),
}
"""A calendar meeting is orange, a call is red and moves: they are not the same."""

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

GENERIC_ACTIVITIES = frozenset(
    {
        Activity.AVAILABLE,
        Activity.AWAY,
        Activity.BE_RIGHT_BACK,
        Activity.BUSY,
        Activity.DO_NOT_DISTURB,
        Activity.OFFLINE,
        Activity.INACTIVE,
        Activity.OTHER,
    }
)
"""Activities that say no more than the availability does."""
