"""The looks of a lamp that nobody configured, and the order of busyness. Pure data."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.contract.light import Effect
from bridge.contract.presence import Availability
from bridge.contract.presence_kind import COLORS, Kind
from drivers.base import Capability
from drivers.rules.look import Look, parse_color

UNKNOWN, SIGN_IN_NEEDED, OUT_OF_OFFICE = "unknown", "sign_in_needed", "out_of_office"
DEFAULT = "default"
DARK, LIT = Look(off=True), Look()
BLINK, PULSE = Effect.BLINK, Effect.PULSE
CALL, BUSY, AVAILABLE, AWAY = (
    COLORS[kind] for kind in (Kind.CALL, Kind.BUSY, Kind.AVAILABLE, Kind.AWAY)
)


def _look(color: str, brightness: float = 1.0, effect: Effect = Effect.SOLID) -> Look:
    return Look(color=parse_color(color), brightness=brightness, effect=effect)


def _white(brightness: float, effect: Effect = Effect.SOLID) -> Look:
    return Look(brightness=brightness, effect=effect)


_LOOKS: Mapping[str, tuple[Look, Look, Look | None]] = {
    "in_a_call": (_look(CALL, effect=PULSE), _white(1.0, PULSE), LIT),
    "in_a_conference_call": (_look(CALL, effect=PULSE), _white(1.0, PULSE), LIT),
    "presenting": (_look("magenta", effect=PULSE), _white(1.0, PULSE), LIT),
    "in_a_meeting": (_look("orange"), _white(0.7), None),
    "urgent_interruptions_only": (_look("purple"), _white(1.0), LIT),
    "focusing": (_look("purple", 0.7), _white(1.0), LIT),
    "do_not_disturb": (_look("purple"), _white(1.0), LIT),
    "busy": (_look(BUSY, 0.6), _white(0.5), None),
    "busy_idle": (_look(BUSY, 0.3), _white(0.3), None),
    "available": (_look(AVAILABLE, 0.6), _white(0.1), None),
    "available_idle": (_look(AVAILABLE, 0.3), _white(0.05), None),
    "be_right_back": (_look(AWAY, 0.6), DARK, None),
    "away": (_look(AWAY, 0.4), DARK, None),
    "inactive": (_look(AWAY, 0.3), DARK, None),
    "out_of_office": (_look("indigo", 0.4), DARK, None),
    "offline": (DARK, DARK, None),
    "off_work": (DARK, DARK, None),
    "unknown": (_look(COLORS[Kind.UNKNOWN], 0.15), DARK, DARK),
    "sign_in_needed": (_look("blue", 0.6, BLINK), _white(0.3, BLINK), DARK),
    "default": (_look("white", 0.3), _white(0.1), DARK),
}
"""With colours: a calendar meeting is orange, a call is red and moves, as they are not the same.
Without: the brighter, the less to be disturbed. On and off only: a sign that says "on air"; who
writes ``default`` has it for all that is not named there.
"""

DEFAULT_LOOKS = {name: colored for name, (colored, _, _) in _LOOKS.items()}
WHITE_LOOKS = {name: white for name, (_, white, _) in _LOOKS.items()}
ON_OFF_LOOKS = {name: on_off for name, (_, _, on_off) in _LOOKS.items() if on_off}

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
