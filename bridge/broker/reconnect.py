"""When to connect again, and one log line each when the connection is lost and when it is back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from math import inf

from bridge.broker.errors import Fault, Kind, explain
from bridge.broker.limits import lacks
from bridge.broker.negotiation import UNSUPPORTED_PROTOCOL, V5, Negotiation
from bridge.broker.session import ConnectionFailedError, Limits
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.retry import Random, full_jitter

log = logging.getLogger(__name__)

QUICK_S = (0.1, 0.3, *[1.0] * 13)
"""For a broker on the LAN that starts again: it is missed for a second after it is back."""
FIRST_S, MOST_S = 2.0, 15.0
REFUSED_S = (5.0, 30.0, 300.0)
"""A broker whose users are kept elsewhere refuses for a moment while that starts; later only a
person changes it, and some brokers ban who asks too often."""
THROWN_OUT_S = (5.0, 10.0, 20.0, 40.0, 60.0)
GOOD_S = 90.0
"""A connection that lasted this long was a good one: longer than two programs of one client id
wait for each other."""


class Delays:
    """Counts what went wrong in a row."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failed: Counter[Kind] = Counter()
        self.short_lived = 0
        """Connections in a row that were accepted and ended soon."""

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
        self.short_lived = 0

    def wait_s(self, kind: Kind) -> float:
        """Seconds to wait after one more failure of ``kind``."""
        before, self._failed[kind] = self._failed[kind], self._failed[kind] + 1
        if kind is Kind.REFUSED:
            return REFUSED_S[min(before, len(REFUSED_S) - 1)]
        if kind in {Kind.THROWN_OUT, Kind.SLOWLY}:
            return THROWN_OUT_S[min(before, len(THROWN_OUT_S) - 1)]
        quick = max(before, self.short_lived - 1)
        if quick < len(QUICK_S):
            return QUICK_S[quick] * (0.5 + self._random() / 2)
        attempt = quick - len(QUICK_S)
        return full_jitter(attempt, first_s=FIRST_S, most_s=MOST_S, random=self._random)


class _Candidate:
    """One broker, and how it went there; each is spared as if it were the only one."""

    def __init__(self, negotiation: Negotiation, random: Random) -> None:
        self.negotiation, self.delays = negotiation, Delays(random)
        self.due_s = -inf
        """When it may be tried next."""
        self.lacks: set[str] = set()


class Reconnecting:
    """How connections go, from one try to the next.

    Of several brokers the one that served last is tried first, then those that follow it in the
    config. Who was connected stays there while that lasts, whichever it is.
    """

    def __init__(
        self, settings: MqttSettings, client_id: str, *, clock: Clock, random: Random
    ) -> None:
        self._clock = clock
        self._candidates = [
            _Candidate(Negotiation(each, client_id, clock), random) for each in settings.brokers
        ]
        self._now = 0
        self._online_since_s: float | None = None
        self._stood = self._ever = False
        self._texts: dict[str, str] = {}

    @property
    def negotiation(self) -> Negotiation:
        """With the broker that is tried next, or is connected."""
        return self._current.negotiation

    @property
    def _current(self) -> _Candidate:
        return self._candidates[self._now]

    @property
    def _address(self) -> str:
        return self.negotiation.settings.address

    @property
    def problems(self) -> Iterator[str]:
        """What a person should know now."""
        yield from self._texts.values()
        if not self.negotiation.limits.retain_available:
            yield f"the broker {next(lacks(self.negotiation.limits))}"

    @property
    def is_online(self) -> bool:
        """Whether all was sent on a connection that still stands."""
        return self._online_since_s is not None

    def accepted(self, announced: Limits) -> None:
        """A connection stands; what this broker lacks is logged once."""
        self._stood = True
        self.negotiation.accepted(announced)
        lacking, before = set(lacks(announced)), self._current.lacks
        for what in sorted(lacking - before):
            log.warning("broker %s %s", self._address, what)
        if before - lacking:
            log.info("broker %s does more than it did before", self._address)
        self._current.lacks = lacking

    def online(self) -> None:
        """All was sent; whether the connection is a good one is seen later."""
        self._online_since_s = self._clock.monotonic()
        self._current.delays.accepted()
        if not self._current.delays.disputed:
            self._back()

    async def outlast_a_dispute(self) -> None:
        """Wait until a connection that others may end has lasted."""
        if self._current.delays.disputed:
            await self._clock.sleep(GOOD_S)
            self._current.delays.good()
            self._back()

    def ended(self, failure: ConnectionFailedError | None) -> float:
        """A try has ended; the seconds until the next one. Without ``failure`` it was wanted."""
        since_s, stood = self._online_since_s, self._stood
        self._online_since_s, self._stood = None, False
        if failure is None:
            return 0.0
        delays, now_s = self._current.delays, self._clock.monotonic()
        if since_s is not None:
            if now_s - since_s >= GOOD_S:
                delays.good()
            else:
                delays.short_lived += 1
        failure = self.negotiation.with_reason(failure)
        client_id, was_5 = self.negotiation.client_id, self.negotiation.version is V5
        if self.negotiation.failed(failure, stood=stood):
            if failure.code == UNSUPPORTED_PROTOCOL and was_5:
                log.info("broker %s speaks no MQTT 5, using 3.1.1", self._address)
            return 0.0
        short_lived = delays.short_lived
        fault = explain(failure, self.negotiation.settings, client_id, short_lived=short_lived)
        wait_s = delays.wait_s(fault.kind)
        self._log(fault, wait_s)
        self._current.due_s = now_s + wait_s
        if since_s is None or fault.kind is Kind.SLOWLY:
            self._go_on()
        return max(0.0, self._current.due_s - now_s)

    def _go_on(self) -> None:
        """To whoever may be tried first; of those who may be tried now, to the next in order."""
        count, now_s = len(self._candidates), self._clock.monotonic()
        order = [(self._now + step) % count for step in range(1, count + 1)]
        self._now = min(order, key=lambda each: max(now_s, self._candidates[each].due_s))

    def _back(self) -> None:
        if self._texts or not self._ever:
            version = self.negotiation.version.value
            log.info("connected to broker %s, MQTT %s", self._address, version)
        self._texts, self._ever = {}, True

    def _log(self, fault: Fault, wait_s: float) -> None:
        known = self._texts.get(self._address, "")
        if fault.kind is Kind.PASSES:
            if not known:
                log.warning("%s; trying again until it is back", fault.text)
                self._texts[self._address] = fault.text
        elif fault.text != known:
            log.error("%s; trying again, next in %.0f s", fault.text, wait_s)
            self._texts[self._address] = fault.text
