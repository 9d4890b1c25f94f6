"""The brokers of ``hosts``, and which of them is tried next."""

from __future__ import annotations

from math import inf

from bridge.broker.delays import Delays
from bridge.broker.negotiation import Negotiation
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.retry import Random


class Candidate:
    """One broker, and how it went there; each is spared as if it were the only one."""

    def __init__(self, negotiation: Negotiation, random: Random) -> None:
        self.negotiation, self.delays = negotiation, Delays(random)
        self.due_s = -inf
        """When it may be tried next."""
        self.lacks: set[str] = set()
        self.lets_look = True
        """Whether a second client id is let in beside ours."""
        self.short_lived = {False: 0, True: 0}
        """Connections in a row that ended soon: ours, and those that only looked."""


class Candidates:
    """The one that served last is tried first, then those that follow it in the config."""

    def __init__(
        self, settings: MqttSettings, client_id: str, clock: Clock, random: Random
    ) -> None:
        self._all = [
            Candidate(Negotiation(each, client_id, clock), random) for each in settings.brokers
        ]
        self._now = 0

    @property
    def now(self) -> Candidate:
        """The one that is tried next, or is connected."""
        return self._all[self._now]

    def go_on(self, now_s: float) -> None:
        """To whoever may be tried first; of those who may be tried now, to the next in order."""
        count = len(self._all)
        order = [(self._now + step) % count for step in range(1, count + 1)]
        self._now = min(order, key=lambda each: max(now_s, self._all[each].due_s))
