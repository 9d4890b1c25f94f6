"""Chooses the look: schedule, then trouble, then the busiest person's activity, then availability.

Pure: the moment is an argument, and so is everything that was heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

from bridge.contract.account import SIGNED_IN, SignInState
from bridge.contract.hours import WeeklyHours
from bridge.contract.light import OFF
from bridge.contract.presence_kind import GENERIC_ACTIVITIES
from bridge.contract.wire import AccountState
from drivers.rules.defaults import (
    BUSYNESS,
    DEFAULT,
    DEFAULT_LOOKS,
    OUT_OF_OFFICE,
    SIGN_IN_NEEDED,
    UNKNOWN,
)
from drivers.rules.look import GIVE_BACK, Look, Shown

_SIGNED_OUT = frozenset(SignInState) - {SignInState.SIGNED_IN}
_QUIET = ("available", "available_idle", "inactive", "away", "be_right_back", "offline", "off_work")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was heard of one account."""

    state: AccountState | None = None
    fresh: bool = False
    """Its availability topic says ``online``."""
    sign_in: str | None = None
    """``signed_in`` or ``needed``, where that is told."""
    auth: SignInState | None = None
    """The same from a bridge that tells it with the code, or where only that may be heard."""

    @property
    def needs_sign_in(self) -> bool:
        """Whether somebody must sign in."""
        if self.sign_in is not None:
            return self.sign_in != SIGNED_IN
        return self.auth in _SIGNED_OUT


Outside = Literal["off", "keep", "give_back"] | Look
"""What a lamp does outside of its hours."""


@dataclass(frozen=True)
class Rules:
    """How a lamp wants it."""

    looks: Mapping[str, Look] = field(default_factory=lambda: DEFAULT_LOOKS)
    hours: WeeklyHours | None = None
    outside: Outside = "off"
    outside_on: Mapping[int, Outside] = field(default_factory=dict)
    """The same by weekday (0 is Monday), where one has its own."""
    zone: tzinfo | None = None
    scale: float = 1.0
    """Brightness of this lamp, 0 to 1."""

    @property
    def give_back(self) -> bool:
        """Whether the lamp is ever given back while it runs."""
        wishes = (*self.looks.values(), self.outside, *self.outside_on.values())
        return any(
            wish.give_back if isinstance(wish, Look) else wish == "give_back" for wish in wishes
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What to show and why."""

    state: Shown
    rule: str
    account: str | None = None


def choose(
    rules: Rules,
    facts: Mapping[str, Facts],
    now: datetime,
    *,
    bridge_now: datetime | None = None,
    gone: str = "",
) -> Decision:
    """The look for what is known at ``now``, which the bridge's clock calls ``bridge_now``.

    The schedule goes by the one, the age of what is known by the other. ``gone`` names what has
    been away for longer than the lamp's grace, bridge or broker.
    """
    if rules.hours and not rules.hours.contain(now, rules.zone):
        today = now.astimezone(rules.zone).weekday()
        return _outside(rules.outside_on.get(today, rules.outside), rules.scale)
    if gone:
        return _show(rules, UNKNOWN, f"the {gone} is gone")
    if not facts:
        return _show(rules, UNKNOWN, "no account has been heard of")
    told_at = bridge_now or now
    _, account, name, rule = min(
        _of_account(slug, known, rules.looks, told_at) for slug, known in facts.items()
    )
    return _show(rules, name, rule, account)


def _of_account(
    slug: str, known: Facts, looks: Mapping[str, Look], now: datetime
) -> tuple[int, str, str, str]:
    """The rank, the account, the look's name and the rule that chose it."""
    trouble = _trouble(known, now)
    if trouble or known.state is None:
        name, rule = trouble or (UNKNOWN, "no fresh presence")
        return _rank(name), slug, name, rule
    name, rule = _of_presence(known.state, looks)
    words = (known.state.activity, known.state.availability) if name == DEFAULT else ()
    return min(_rank(word) for word in (name, *filter(None, words))), slug, name, rule


def _trouble(known: Facts, now: datetime) -> tuple[str, str] | None:
    """The look and rule when there is no presence to show."""
    state = known.state
    if known.needs_sign_in:
        return SIGN_IN_NEEDED, "sign-in needed"
    if state is None or not known.fresh:
        return UNKNOWN, "no fresh presence"
    if state.valid_until is None or now >= state.valid_until:
        return UNKNOWN, "the presence is too old"
    if state.availability is None and state.activity is None:
        return UNKNOWN, "Microsoft does not know"
    return None


def _of_presence(state: AccountState, looks: Mapping[str, Look]) -> tuple[str, str]:
    """Activity, then availability, then the default."""
    availability = state.availability.value if state.availability else DEFAULT
    activity = state.activity.value if state.activity else availability
    if state.out_of_office and activity in (*_QUIET, OUT_OF_OFFICE):
        return OUT_OF_OFFICE, "out of office"
    if activity in looks and state.activity not in GENERIC_ACTIVITIES:
        return activity, f"activity {activity}"
    if availability in looks:
        return availability, f"availability {availability}"
    if activity in looks:
        return activity, f"activity {activity}"
    return DEFAULT, f"default, for {availability}/{activity}"


def _rank(name: str) -> int:
    """The place in the order of busyness; what is not in it comes last, unknown after default."""
    if name in BUSYNESS:
        return BUSYNESS.index(name)
    return len(BUSYNESS) + (name != DEFAULT)


def _show(rules: Rules, name: str, rule: str, account: str | None = None) -> Decision:
    look = rules.looks.get(name) or rules.looks.get(DEFAULT) or DEFAULT_LOOKS[DEFAULT]
    return Decision(look.shown(rules.scale), rule, account)


def _outside(outside: Outside, scale: float) -> Decision:
    if outside == "keep":
        return Decision(None, "outside of the schedule: left as it is")
    if outside == "off":
        return Decision(OFF, "outside of the schedule: off")
    if outside == "give_back":
        return Decision(GIVE_BACK, "outside of the schedule: given back")
    return Decision(outside.shown(scale), "outside of the schedule: its own look")
