"""Decides what a lamp shows, whenever something was heard and whenever the clock may change it."""

from __future__ import annotations

from collections.abc import Callable

from bridge.contract.clock import Clock
from drivers.presence.following import Following
from drivers.presence.settling import Settling
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
        self._settle_s, self._settling = settle_s, Settling(settle_s)
        self._ever_decided = False
        self.rules = Rules()

    def decide_by(self, rules: Rules) -> None:
        """Take other rules from the next decision on; a quieter look waits no more."""
        self.rules, self._settling = rules, Settling(self._settle_s)

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

        def is_there(account: str) -> bool:
            return not trouble_of(reports.facts.get(account, Facts()), there)

        now_s = self._clock.monotonic()
        self._decided(self._settling.settled(right, now_s, is_there=is_there))

    def _patience_s(self) -> float:
        gone_s = self._clock.monotonic() - self._following.reports.value.gone_since_s
        return self._grace_s - gone_s

    def _until_turn_s(self) -> float:
        """Seconds until something turns without a message: patience, schedule, or what expires."""
        reports, now = self._following.reports.value, self._clock.now()
        waits_s = [LOOK_AGAIN_S, self._settling.waits_s(self._clock.monotonic())]
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
