"""Which look one person asks for: trouble, then the activity, then the availability, then default.

Pure: the moment is an argument, and so is everything that was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bridge.contract.account import SIGNED_IN, SignInState
from bridge.contract.light_why import FollowedPerson, Reason
from bridge.contract.presence_kind import GENERIC_ACTIVITIES
from bridge.contract.wire import AccountState
from drivers.rules.defaults import BUSYNESS, DEFAULT, OUT_OF_OFFICE, SIGN_IN_NEEDED, UNKNOWN
from drivers.rules.look import Look

_SIGNED_OUT = frozenset(SignInState) - {SignInState.SIGNED_IN}
_QUIET = ("available", "available_idle", "inactive", "away", "be_right_back", "offline", "off_work")
_FIRST = {
    "out": "out of office comes first",
    "activity": "the activity comes first",
    "availability": "the availability says more",
}
"""By the first word of a rule, why another word of the same person did not count."""


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


class Wish(NamedTuple):
    """The look that one person asks for; the one that comes first wins."""

    rank: int
    account: str
    look: str
    rule: str


def wish_of(slug: str, known: Facts, looks: Mapping[str, Look], now: datetime) -> Wish:
    """What the person whose account is ``slug`` asks for at ``now``, by the bridge's clock."""
    trouble = trouble_of(known, now)
    if trouble or known.state is None:
        name, rule = trouble or (UNKNOWN, "no fresh presence")
        return Wish(_rank(name), slug, name, rule)
    name, rule = _of_presence(known.state, looks)
    words = (known.state.activity, known.state.availability) if name == DEFAULT else ()
    return Wish(min(_rank(word) for word in (name, *filter(None, words))), slug, name, rule)


def lost_within(
    wish: Wish, known: Facts, looks: Mapping[str, Look], now: datetime
) -> Iterator[Reason]:
    """What else there is of the same person, and why it did not become their ``wish``."""
    state = known.state
    if state is None:
        return
    words: dict[str, str | None] = {
        "activity": state.activity,
        "availability": state.availability,
    }
    if words["activity"] == words["availability"]:
        del words["activity"]
    because = wish.rule if trouble_of(known, now) else _FIRST.get(wish.rule.split()[0])
    for what, word in words.items():
        if word is not None and word != wish.look:
            lost_to = because if word in looks else "it has no look"
            yield Reason(rule=f"{what} {word}", account=wish.account, because=lost_to)


def followed_person(slug: str, known: Facts, now: datetime) -> FollowedPerson:
    """What was heard of somebody, in words."""
    state = known.state
    return FollowedPerson(
        account=slug,
        availability=state.availability if state else None,
        activity=state.activity if state else None,
        fresh=state is not None and known.fresh and _is_valid(state, now),
        signed_in=not known.needs_sign_in,
    )


def trouble_of(known: Facts, now: datetime) -> tuple[str, str] | None:
    """The look and rule when there is no presence to show at ``now``, by the bridge's clock."""
    state = known.state
    if known.needs_sign_in:
        return SIGN_IN_NEEDED, "sign-in needed"
    if state is None or not known.fresh:
        return UNKNOWN, "no fresh presence"
    if not _is_valid(state, now):
        return UNKNOWN, "the presence is too old"
    if state.availability is None and state.activity is None:
        return UNKNOWN, "Microsoft does not know"
    return None


def _of_presence(state: AccountState, looks: Mapping[str, Look]) -> tuple[str, str]:
    availability = state.availability.value if state.availability else DEFAULT
    activity = state.activity.value if state.activity else availability
    if state.out_of_office and activity in (*_QUIET, OUT_OF_OFFICE):
        return OUT_OF_OFFICE, "out of office"
    if activity in looks and state.activity not in GENERIC_ACTIVITIES:
        return activity, f"activity {activity}"
    if state.availability and availability in looks:
        return availability, f"availability {availability}"
    if activity in looks:
        return activity, f"activity {activity}"
    return DEFAULT, f"default, for {availability}/{activity}"


def _is_valid(state: AccountState, now: datetime) -> bool:
    return state.valid_until is not None and now < state.valid_until


def _rank(name: str) -> int:
    """The place in the order of busyness; what is not in it comes last, unknown after default."""
    if name in BUSYNESS:
        return BUSYNESS.index(name)
    return len(BUSYNESS) + (name != DEFAULT)
