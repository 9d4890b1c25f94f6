"""What one lamp shows at one moment, and the explanation of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bridge.contract.light import Can, LightState
from bridge.contract.light_why import LightWhy, Reason
from drivers.base import Capability, Words
from drivers.rules import GIVE_BACK, Decision, Shown
from drivers.runtime.manual import Mode

_HANDS = {"off": "switched off by hand", "manual": "set by hand"}
_OTHERS = "changed by somebody else, until presence changes"


@dataclass(frozen=True, slots=True)
class Showing:
    """All that decides about a lamp, and what comes of it."""

    decision: Decision
    mode: Mode
    shown: Shown
    capability: Capability
    clock_apart: timedelta = field(default=timedelta())
    """The bridge's clock is so far ahead of ours, where that is worth telling."""
    trying: str | None = None
    left_to_others: bool = False
    """Somebody else changed the light, and is respected."""

    def why(self) -> LightWhy:
        """The rule that won, and those that lost to it."""
        decision, mode = self.decision, self.mode
        asked = Reason(rule=decision.rule, account=decision.account)
        won, *lost = [*(Reason(rule=rule) for rule in self._above_presence()), asked]
        return LightWhy(
            won=won,
            lost=(
                *(each.model_copy(update={"because": won.rule}) for each in lost),
                *decision.lost,
            ),
            followed=decision.followed,
            more=decision.more,
            mode=mode.name,
            since=mode.since,
            until=mode.until,
            trying=self.trying,
            look=self.shown if isinstance(self.shown, LightState) else None,
            left=self.left,
            can=tuple(Can),
        )

    @property
    def words(self) -> Words:
        """What a light says that shows words."""
        by_hand = self.trying or (self.mode.name if self.mode.name in _HANDS else "")
        return Words(look=by_hand) if by_hand else self.decision.words

    @property
    def left(self) -> str | None:
        """``as_it_is`` or ``given_back`` while the light is left alone."""
        if self.shown is GIVE_BACK:
            return "given_back"
        return "as_it_is" if self.shown is None else None

    def _above_presence(self) -> list[str]:
        """What comes before presence, the strongest first."""
        rules = []
        if self.trying:
            rules.append("its looks are tried")
        if self.mode.name in _HANDS:
            rules.append(_HANDS[self.mode.name])
        if self.left_to_others and not rules:
            rules.append(_OTHERS)
        return rules
