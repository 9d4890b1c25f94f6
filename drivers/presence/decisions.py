"""Decides what a lamp shows, whenever something was heard and whenever the clock may change it.

A look is kept for a moment when presence gets quieter, so that no lamp dances between two calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bridge.contract.clock import Clock
from bridge.contract.light_why import Reason
from drivers.presence.following import Following
from drivers.rules import Decision, Facts, Rules, choose
from drivers.rules.person import trouble_of

LOOK_AGAIN_S = 30.0
"""The longest between two looks at the clock: schedule and expiry turn without a message."""


class Decisions:
    """Calls ``decided`` with each decision, also with one that is as the last."""

    def __init__(
        self,
        following: Following,
        *,
        grace_s: float,
        settle_s: float,
        clock: Clock,
        connected: Callable[[], bool],
        decided: Callable[[Decision], None],
    ) -> None:
        self._following, self._grace_s, self._clock = following, grace_s, clock
        self._connected, self._decided = connected, decided
        self._settle_s, self._ever_decided = settle_s, False
        self._settled: Decision | None = None
        self._quieter_since_s = math.inf
        self.rules = Rules()

    def decide_by(self, rules: Rules) -> None:
        """Take other rules from the next decision on; a quieter look waits no more."""
        self.rules, self._settled, self._quieter_since_s = rules, None, math.inf

    async def run(self) -> None:
        """Decide until cancelled."""
        reports = self._following.reports
        while True:
            self._following.forget_who_left()
            version = reports.version
            self.decide()
            await reports.newer(version, within_s=self._until_turn_s(), clock=self._clock)

    def decide(self) -> None:
        """Decide now, unless a bridge that is away may still come back."""
        reports = self._following.reports.value
        may_return = not reports.bridge_online and self._patience_s() > 0
        if may_return and (self._ever_decided or reports.bridge_online is None):
            return
        self._ever_decided = True
        gone = "" if reports.bridge_online else "bridge" if self._connected() else "broker"
        there = self._following.bridge_clock.now()
        right = choose(self.rules, reports.facts, self._clock.now(), bridge_now=there, gone=gone)
        self._decided(self._kept(right, reports.facts, there) or self._settle(right))

    def _settle(self, right: Decision) -> Decision:
        self._settled, self._quieter_since_s = right, math.inf
        return right

    def _kept(
        self, right: Decision, facts: Mapping[str, Facts], there: datetime
    ) -> Decision | None:
        """What is shown already, where ``right`` is quieter and waits.

        Only presence waits, and only for who is still there: what is busier, outside of the
        schedule, too old or gone is shown at once.
        """
        shown = self._settled
        if shown is None or shown.rank is None or right.rank is None or right.rank <= shown.rank:
            return None
        if trouble_of(facts.get(shown.account or "", Facts()), there):
            return None
        self._quieter_since_s = min(self._quieter_since_s, self._clock.monotonic())
        if self._settles_s() <= 0:
            return None
        because = f"quieter presence waits {self._settle_s:g} s"
        lost = (Reason(rule=right.rule, account=right.account, because=because), *right.lost)
        return replace(shown, lost=lost, followed=right.followed, more=right.more)

    def _settles_s(self) -> float:
        """Seconds until a quieter decision is shown; infinite where none waits."""
        return self._quieter_since_s + self._settle_s - self._clock.monotonic()

    def _patience_s(self) -> float:
        gone_s = self._clock.monotonic() - self._following.reports.value.gone_since_s
        return self._grace_s - gone_s

    def _until_turn_s(self) -> float:
        """Seconds until something turns without a message: patience, schedule, or what expires."""
        reports, now = self._following.reports.value, self._clock.now()
        waits_s = [LOOK_AGAIN_S, self._settles_s()]
        if not reports.bridge_online:
            waits_s.append(self._patience_s())
        if self.rules.hours:
            waits_s.append(60.0 - now.second - now.microsecond / 1e6)
        there = self._following.bridge_clock.now()
        waits_s += [
            (known.state.valid_until - there).total_seconds()
            for known in reports.facts.values()
            if known.state and known.state.valid_until
        ]
        return min(wait_s for wait_s in waits_s if wait_s > 0) + 0.01
