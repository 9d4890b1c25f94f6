"""Keeps a look for a moment when presence gets quieter, so that no lamp dances between two calls.

Pure: the moment is an argument. Only presence waits, and only for who is still there: what is
busier, outside of the schedule, too old or gone is shown at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from bridge.contract.light_why import Reason
from drivers.rules import Decision


class Settling:
    """The decision that is shown, and since when a quieter one waits."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._shown: Decision | None = None
        self._quieter_since_s = math.inf

    def settled(
        self, decision: Decision, now_s: float, *, is_there: Callable[[str], bool]
    ) -> Decision:
        """What to show ``now_s`` (monotonic seconds), where ``decision`` is what is right.

        ``is_there`` says of an account whether it has a presence now.
        """
        shown = self._shown
        if shown is not None and _is_quieter(decision, shown) and is_there(shown.account or ""):
            self._quieter_since_s = min(self._quieter_since_s, now_s)
            if self.waits_s(now_s) > 0:
                return self._explained(shown, decision)
        self._shown, self._quieter_since_s = decision, math.inf
        return decision

    def waits_s(self, now_s: float) -> float:
        """Seconds until a quieter decision is shown; infinite where none waits."""
        return self._quieter_since_s + self._settle_s - now_s

    def _explained(self, shown: Decision, waits: Decision) -> Decision:
        because = f"quieter presence waits {self._settle_s:g} s"
        lost = Reason(rule=waits.rule, account=waits.account, because=because)
        return replace(shown, lost=(lost, *waits.lost), followed=waits.followed, more=waits.more)


def _is_quieter(decision: Decision, than: Decision) -> bool:
    return decision.rank is not None and than.rank is not None and decision.rank > than.rank
