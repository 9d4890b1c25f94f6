"""Chooses the look: schedule, then trouble, then the busiest person; and says what lost to it.

Pure: the moment is an argument, and so is everything that was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from bridge.contract.hours import WeeklyHours
from bridge.contract.light_why import FollowedPerson, Reason
from drivers.base import Words
from drivers.rules.defaults import DEFAULT, DEFAULT_LOOKS, SIGN_IN_NEEDED, UNKNOWN
from drivers.rules.hours import Outside, shown_outside
from drivers.rules.look import Look, Shown
from drivers.rules.person import Facts, Wish, followed_person, lost_within, wish_of

LISTED = 8
"""People who are listed in an explanation, the busiest first."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a lamp wants it."""

    looks: Mapping[str, Look] = field(default_factory=lambda: DEFAULT_LOOKS)
    scale: float = 1.0
    """Brightness of this lamp, 0 to 1."""
    hours: WeeklyHours | None = None
    """When it follows anybody."""
    outside: Outside = "off"
    outside_on: Mapping[int, Outside] = field(default_factory=dict)
    """The same by weekday (0 is Monday), where one has its own."""
    zone: tzinfo | None = None

    def outside_at(self, now: datetime) -> Outside | None:
        """What is wanted at ``now``, by its weekday; ``None`` within the hours."""
        if self.hours is None or self.hours.contain(now, self.zone):
            return None
        return self.outside_on.get(now.astimezone(self.zone).weekday(), self.outside)

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
    words: Words = field(default_factory=Words, compare=False)
    """What a light says that shows words: of a person only where presence decides."""
    rank: int | None = field(default=None, compare=False)
    """Its place in the order of busyness, where presence decides."""
    lost: tuple[Reason, ...] = field(default=(), compare=False)
    """What asked for another look."""
    followed: tuple[FollowedPerson, ...] = field(default=(), compare=False)
    """What was heard of the first ``LISTED`` people."""
    more: int = field(default=0, compare=False)
    """The others."""


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
    there = bridge_now or now
    wishes = sorted(wish_of(slug, known, rules.looks, there) for slug, known in facts.items())
    decision = _chosen(rules, wishes, now, gone)
    listed = [(wish, facts[wish.account]) for wish in wishes[:LISTED]]
    followed = tuple(followed_person(wish.account, known, there) for wish, known in listed)
    return replace(
        decision,
        lost=tuple(
            reason
            for wish, known in listed
            for reason in _lost(decision, wish, known, rules, there)
        ),
        followed=followed,
        more=len(wishes) - len(listed),
        words=_words(decision, followed[0]) if decision.account else decision.words,
    )


def _words(decision: Decision, person: FollowedPerson) -> Words:
    is_known = person.fresh and person.signed_in
    activity, availability = (
        (is_known and word) or UNKNOWN for word in (person.activity, person.availability)
    )
    return Words(person.account, activity, availability, decision.words.look)


def _chosen(rules: Rules, wishes: Sequence[Wish], now: datetime, gone: str) -> Decision:
    outside = rules.outside_at(now)
    if outside is not None:
        look = "off" if outside == "off" else "outside"
        return Decision(*shown_outside(outside, rules.scale), words=Words(look=look))
    if gone:
        return _show(rules, UNKNOWN, f"the {gone} is gone")
    if not wishes:
        return _show(rules, UNKNOWN, "no account has been heard of")
    first = wishes[0]
    decision = _show(rules, first.look, first.rule, first.account)
    is_presence = first.look not in {UNKNOWN, SIGN_IN_NEEDED}
    return replace(decision, rank=first.rank) if is_presence else decision


def _lost(
    decision: Decision, wish: Wish, known: Facts, rules: Rules, there: datetime
) -> Iterator[Reason]:
    """What of one person lost: to another rule, to another person, within their own presence."""
    if decision.account is None:
        yield Reason(rule=wish.rule, account=wish.account, because=decision.rule.partition(":")[0])
    elif wish.account != decision.account:
        yield Reason(rule=wish.rule, account=wish.account, because="somebody busier comes first")
    else:
        yield from lost_within(wish, known, rules.looks, there)


def _show(rules: Rules, name: str, rule: str, account: str | None = None) -> Decision:
    look = rules.looks.get(name) or rules.looks.get(DEFAULT) or DEFAULT_LOOKS[DEFAULT]
    return Decision(look.shown(rules.scale), rule, account, Words(look=name))
