"""When to connect again, and where."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from math import inf

from bridge.broker.candidates import Candidate, Candidates
from bridge.broker.connection_log import ConnectionLog
from bridge.broker.limits import lacks
from bridge.broker.negotiation import UNSUPPORTED_PROTOCOL, V5, Negotiation
from bridge.broker.reason_codes import Fault, Kind, explain
from bridge.broker.session import ConnectionFailedError, Greeting, Limits
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.retry import Random

log = logging.getLogger(__name__)

GOOD_S = 90.0
"""A connection that lasted this long was a good one: longer than two programs of one client id
wait for each other."""
NAMES_US = (
    "[standby] cannot work there: let it take our client ids, or leave [standby] out and run one "
    "bridge"
)


class Reconnecting:
    """How connections go, from one try to the next.

    Who was connected stays there while that lasts, whichever broker it is.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        *,
        node: str | None = None,
        clock: Clock,
        random: Random,
    ) -> None:
        self._clock, self._node = clock, node
        self._client_id, self._random = client_id, random
        self._candidates = Candidates(settings, client_id, clock, random)
        self._online_since_s: float | None = None
        self._beside_since_s = -inf
        self._stood = False
        self._shown = ConnectionLog()
        self.thrown_out = False
        """Whether another program has taken our place, as far as we know."""
        self._looks = False
        self.not_seen = ""
        """Why it is not seen from beside who serves, where a ``node`` may not serve without."""

    @property
    def negotiation(self) -> Negotiation:
        """With the broker that is tried next, or is connected."""
        return self._current.negotiation

    @property
    def _current(self) -> Candidate:
        return self._candidates.now

    @property
    def _address(self) -> str:
        return self.negotiation.settings.address

    @property
    def problems(self) -> Iterator[str]:
        """What a person should know now."""
        yield from filter(None, (self._shown.other, self.not_seen))
        yield from self._shown.problems
        if not self.negotiation.limits.retain_available:
            yield f"the broker {next(lacks(self.negotiation.limits))}"

    @cached_property
    def _beside(self) -> str:
        """Of this process alone, so that of two who wait neither ends the other's connection."""
        of_node = f"-{self._node}" if self._node else ""
        return f"{self._client_id}-standby{of_node}-{int(self._random() * 0xFFFFFFFF):08x}"

    @property
    def looks_first(self) -> bool:
        """Whether it is looked from beside who serves, before our client id is tried."""
        return self.thrown_out or self._node is not None

    @property
    def is_beside(self) -> bool:
        """Whether we are connected beside who serves."""
        return self._looks and self._stood

    @property
    def dispute(self) -> str:
        """Who else uses our client id, in words, while that goes on and for a moment after."""
        return "" if self._shown.is_lost else self._shown.other

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

    def beside(self) -> Greeting:
        """The CONNECT under a client id of nobody else, with no will."""
        self._looks = True
        return replace(self.negotiation.greeting(will=None), client_id=self._beside)

    def accepted_beside(self, announced: Limits) -> bool:
        """That connection stands; whether it is one beside ours.

        A broker that names its clients itself may give it the very place that is looked at.

        Raises:
            ConnectionFailedError: It does, and with a ``node`` nothing else is tried there.
        """
        if announced.client_id is not None:
            if self._node:
                so = f"it calls this client {announced.client_id!r}, whatever we say, and so"
                raise ConnectionFailedError(f"{so} {NAMES_US}", ours=True)
            self.cannot_look(f"it calls us {announced.client_id!r} there as well")
            return False
        self.accepted(announced)
        self._current.delays.accepted()
        self._beside_since_s = self._clock.monotonic()
        self._shown.beside(self._address)
        return True

    def cannot_look(self, why: str) -> None:
        """This broker lets nobody look from beside: our own client id is all that is tried."""
        self._current.lets_look = self.thrown_out = self._looks = False
        log.warning("broker %s does not let us see who serves in our place: %s", self._address, why)

    def may_not_look(self, why: str) -> None:
        """A ``node`` may not subscribe beside who serves, for now, or may."""
        what = (
            f"this node waits, since broker {self._address} does not let it see who serves: {why}"
        )
        if why and not self.not_seen:
            log.error("%s; check that its rules let it read bridge/state, leader and health", what)
        self.not_seen = what if why else ""

    def place_is_free(self, *, was_heard: bool) -> None:
        """Nobody serves, any more or at all: we do."""
        self.thrown_out = self._looks = False
        if was_heard:
            self._shown.other = ""
            log.info("nobody else serves as %s any more; connecting", self._client_id)

    def other_node_serves(self) -> None:
        """Whoever serves is of the same ``[standby]``: that is no dispute."""
        self.thrown_out, self._shown.other = False, ""

    def twin_serves(self) -> None:
        """Whoever serves has the name of this ``node``, and another state folder."""
        if self._shown.other != self._twin:
            log.error("%s; this one waits", self._twin)
        self._shown.other = self._twin

    @property
    def _twin(self) -> str:
        return f"another bridge is called {self._node!r} too: give each its own [standby] node"

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
        since_s, stood, looked = self._online_since_s, self._stood, self._looks
        self._online_since_s, self._stood, self._looks = None, False, False
        if failure is None:
            return 0.0
        delays, now_s = self._current.delays, self._clock.monotonic()
        if since_s is not None:
            if now_s - since_s >= GOOD_S:
                delays.good()
            else:
                delays.soon_over()
        is_away = not stood or failure.silent
        failure = self.negotiation.with_reason(failure)
        was_5 = self.negotiation.version is V5
        if self.negotiation.failed(failure, stood=stood):
            if failure.code == UNSUPPORTED_PROTOCOL and was_5:
                log.info("broker %s speaks no MQTT 5, using 3.1.1", self._address)
            return 0.0
        if is_away:
            delays.away()
        fault = self._explained(failure, stood=stood, looked=looked)
        if looked and not self._node and fault.kind is not Kind.PASSES:
            self.cannot_look(str(failure))
            return delays.wait_s(Kind.THROWN_OUT)
        wait_s = delays.wait_s(fault.kind)
        if fault.kind is Kind.THROWN_OUT and not looked:
            is_ours = self.negotiation.client_id == self._client_id
            self.thrown_out = is_ours and self._current.lets_look
        back = "this one comes back when nobody else serves"
        then = back if self.thrown_out else f"trying again, next in {wait_s:.0f} s"
        self._shown.lost(fault, self._address, then)
        self._current.due_s = now_s + wait_s
        if since_s is None or fault.kind is Kind.SLOWLY:
            self._candidates.go_on(now_s)
        return max(0.0, self._current.due_s - now_s)

    def _explained(self, failure: ConnectionFailedError, *, stood: bool, looked: bool) -> Fault:
        now, client_id = self._current, self._beside if looked else self.negotiation.client_id
        if looked:
            lasted_s = self._clock.monotonic() - self._beside_since_s
            now.looks_cut = now.looks_cut + 1 if stood and lasted_s < GOOD_S else 0
        short_lived = now.looks_cut if looked else now.delays.fought
        fault = explain(failure, self.negotiation.settings, client_id, short_lived=short_lived)
        if looked and self._node and fault.kind is Kind.THROWN_OUT:  # nobody else looks as we do
            text = (
                f"broker {self._address} has ended the connections on which this node waits: it "
                "probably calls its clients by their user names (use_username_as_clientid in "
                f"Mosquitto), and so {NAMES_US}"
            )
            return fault._replace(text=text)
        return fault

    def _back(self) -> None:
        self._shown.back(self._address, self.negotiation.version.value)
