"""Chooses the look: schedule, then trouble, then the busiest person's activity, then availability.

Never looks at a clock: the moment is an argument, and so is everything that was heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

from bridge.contract.account import SignInState
from bridge.contract.hours import WeeklyHours
from bridge.contract.light import OFF, LightState
from bridge.contract.wire import AccountState
from drivers.rules.defaults import (
    BUSYNESS,
    DEFAULT,
    DEFAULT_LOOKS,
    GENERIC_ACTIVITIES,
    OUT_OF_OFFICE,
    SIGN_IN_NEEDED,
    UNKNOWN,
)
from drivers.rules.look import Look

_SIGNED_OUT = frozenset(SignInState) - {SignInState.SIGNED_IN}
_QUIET = ("available", "available_idle", "inactive", "away", "be_right_back", "offline", "off_work")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was heard of one account."""

    state: AccountState | None = None
    fresh: bool = False
    """Its availability topic says ``online``."""
    sign_in: SignInState | None = None


@dataclass(frozen=True)
class Rules:
    """How a lamp wants it."""

    looks: Mapping[str, Look] = field(default_factory=lambda: DEFAULT_LOOKS)
    hours: WeeklyHours | None = None
    outside: Literal["off", "keep"] | Look = "off"
    zone: tzinfo | None = None
    scale: float = 1.0
    """Brightness of this lamp, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to show and why; ``state`` is ``None`` when the lamp is to be left as it is."""

    state: LightState | None
    rule: str
    account: str | None = None


def choose(
    rules: Rules, facts: Mapping[str, Facts], now: datetime, *, bridge_gone: bool = False
) -> Decision:
    """The look for what is known at ``now``.

    ``bridge_gone`` says that the bridge has been offline for longer than the lamp's grace.
    """
    if rules.hours and not rules.hours.contain(now, rules.zone):
        return _outside(rules)
    if bridge_gone:
        return _show(rules, UNKNOWN, "the bridge is gone")
    if not facts:
        return _show(rules, UNKNOWN, "no account has been heard of")
    account, name, rule = min(
        (_of_account(slug, known, rules.looks, now) for slug, known in facts.items()),
        key=lambda found: (_rank(found[1]), found[0]),
    )
    return _show(rules, name, rule, account)


def _of_account(
    slug: str, known: Facts, looks: Mapping[str, Look], now: datetime
) -> tuple[str, str, str]:
    """The account, the look's name and the rule that chose it."""
    trouble = _trouble(known, now)
    if trouble or known.state is None:
        return slug, *(trouble or (UNKNOWN, "no fresh presence"))
    return slug, *_of_presence(known.state, looks)


def _trouble(known: Facts, now: datetime) -> tuple[str, str] | None:
    """The look and rule when there is no presence to show."""
    state = known.state
    if known.sign_in in _SIGNED_OUT:
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
    """The place in the order of busyness; what is not in it comes last, trouble before unknown."""
    if name in BUSYNESS:
        return BUSYNESS.index(name)
    return len(BUSYNESS) + {DEFAULT: 0, SIGN_IN_NEEDED: 1}.get(name, 2)


def _show(rules: Rules, name: str, rule: str, account: str | None = None) -> Decision:
    look = rules.looks.get(name) or rules.looks.get(DEFAULT) or DEFAULT_LOOKS[DEFAULT]
    return Decision(look.state(rules.scale), rule, account)


def _outside(rules: Rules) -> Decision:
    if rules.outside == "keep":
        return Decision(None, "outside of the schedule: left as it is")
    if rules.outside == "off":
        return Decision(OFF, "outside of the schedule: off")
    return Decision(rules.outside.state(rules.scale), "outside of the schedule: its own look")


def preview_facts(presence: str, now: datetime, accounts: Sequence[str]) -> dict[str, Facts]:
    """Facts as if everybody of ``accounts`` had ``presence``: ``availability[/activity]``.

    Raises:
        ValueError: A word is not known.
    """
    availability, _, activity = presence.partition("/")
    state = AccountState.model_validate(
        {
            "availability": availability,
            "activity": activity or availability,
            "busy": None,
            "in_call": None,
            "in_meeting": None,
            "out_of_office": activity == OUT_OF_OFFICE,
            "status_message": None,
            "changed_at": now,
            "polled_at": now,
            "valid_until": datetime.max.replace(tzinfo=now.tzinfo),
        }
    )
    return {
        slug: Facts(state, fresh=True, sign_in=SignInState.SIGNED_IN) for slug in accounts or ["-"]
    }
