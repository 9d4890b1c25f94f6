"""The brokers of ``hosts``: which of them is tried next, and after how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from bridge.broker.dispute import GOOD_S
from bridge.broker.negotiation import Negotiation
from bridge.broker.reason_codes import Kind
from bridge.contract.retry import Random, full_jitter

QUICK_S = (0.1, 0.3, *[1.0] * 13)
"""For a broker on the LAN that starts again: it is missed for a second after it is back."""
FIRST_S, MOST_S = 2.0, 15.0
REFUSED_S = (5.0, 30.0, 300.0)
"""A broker whose users are kept elsewhere refuses for a moment while that starts; later only a
person changes it, and some brokers ban who asks too often."""
THROWN_OUT_S = (5.0, 10.0, 20.0, 40.0, 60.0)


class Delays:
    """Counts what went wrong in a row."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failed: Counter[Kind] = Counter()
        self._short_lived = 0

    @property
    def disputed(self) -> bool:
        """Whether connections that were accepted are ended again and again."""
        return self._failed[Kind.THROWN_OUT] + self._failed[Kind.SLOWLY] > 0

    def accepted(self) -> None:
        """A connection stands; whether it is a good one is seen later."""
        self._failed[Kind.PASSES] = self._failed[Kind.REFUSED] = 0

    def good(self) -> None:
        """A connection has lasted."""
        self._failed.clear()
        self._short_lived = 0

    def served(self, seconds: float) -> None:
        """A connection on which all was sent has ended after so long."""
        self._short_lived += 1
        if seconds >= GOOD_S:
            self.good()

    def wait_s(self, kind: Kind) -> float:
        """Seconds to wait after one more failure of ``kind``."""
        before, self._failed[kind] = self._failed[kind], self._failed[kind] + 1
        if kind is Kind.REFUSED:
            return REFUSED_S[min(before, len(REFUSED_S) - 1)]
        if kind in {Kind.THROWN_OUT, Kind.SLOWLY}:
            return THROWN_OUT_S[min(before, len(THROWN_OUT_S) - 1)]
        quick = max(before, self._short_lived - 1)
        if quick < len(QUICK_S):
            return QUICK_S[quick] * (0.5 + self._random() / 2)
        attempt = quick - len(QUICK_S)
        return full_jitter(attempt, first_s=FIRST_S, most_s=MOST_S, random=self._random)


@dataclass
class Candidate:
    """One broker of ``hosts``, and how it went there; spared as if it were the only one."""

    negotiation: Negotiation
    delays: Delays
    due_s: float = -inf
    """When it may be tried next."""
    lacks: set[str] = field(default_factory=set)
    lets_look: bool = True
    """Whether a second client id is let in beside ours."""
    short_lived: Counter[bool] = field(default_factory=Counter)
    """Connections in a row that ended soon: ours, and (``True``) those that only looked."""


def next_of(candidates: Sequence[Candidate], now: int, now_s: float) -> int:
    """Who may be tried first after number ``now``; of those who may now, the next in order."""
    order = [(now + step) % len(candidates) for step in range(1, len(candidates) + 1)]
    return min(order, key=lambda each: max(now_s, candidates[each].due_s))
