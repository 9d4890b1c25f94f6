"""When to connect again, and where; one log line when it is lost, and one when it is back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from bridge.broker.dispute import GOOD_S, Dispute, count_short_lived
from bridge.broker.limits import lacks
from bridge.broker.negotiation import UNSUPPORTED_PROTOCOL, V5, Negotiation
from bridge.broker.next_try import Candidate, Delays, next_of
from bridge.broker.reason_codes import Fault, Kind, explain
from bridge.broker.session import ConnectionFailedError, Greeting, Limits
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.retry import Random
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

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
        self._client_id, self.clock, self.random = client_id, clock, random
        self._candidates = [
            Candidate(Negotiation(each, client_id, clock), Delays(random))
            for each in settings.brokers
        ]
        self._now = 0
        self.dispute = Dispute(client_id, node, random)
        self._lost: dict[str, str] = {}
        """What is wrong with each broker, by its address."""
        self._was_connected = False
        self._looks = False
        """Whether this try is one beside who serves."""
        self._stood = False
        self._since_s: float | None = None
        """When all was sent on this connection, or one beside who serves stood."""

    @property
    def negotiation(self) -> Negotiation:
        """With the broker that is tried next, or is connected."""
        return self._current.negotiation

    @property
    def _current(self) -> Candidate:
        return self._candidates[self._now]

    @property
    def address(self) -> str:
        """The broker that is tried next, or is connected, for people."""
        return self.negotiation.settings.address

    @property
    def problems(self) -> Iterator[str]:
        """What a person should know now."""
        yield from filter(None, (self.dispute.other, self.dispute.not_seen))
        yield from self._lost.values()
        if not self.negotiation.limits.retain_available:
            yield f"the broker {next(lacks(self.negotiation.limits))}"

    @property
    def is_beside(self) -> bool:
        """Whether we are connected beside who serves."""
        return self._looks and self._stood

    @property
    def is_online(self) -> bool:
        """Whether all was sent on a connection that still stands."""
        return self._since_s is not None and not self._looks

    @property
    def is_lost(self) -> bool:
        """Whether something is wrong with a broker."""
        return bool(self._lost)

    def greeting(self, will: Message) -> Greeting:
        """The CONNECT under our client id."""
        self._nothing_stands()
        return self.negotiation.greeting(will)

    def accepted(self, announced: Limits) -> None:
        """A connection stands; what this broker lacks is logged once."""
        self._stood = True
        self.negotiation.accepted(announced)
        lacking, before = set(lacks(announced)), self._current.lacks
        for what in sorted(lacking - before):
            log.warning("broker %s %s", self.address, what)
        if before - lacking:
            log.info("broker %s does more than it did before", self.address)
        self._current.lacks = lacking

    def greeting_beside(self) -> Greeting:
        """The CONNECT under a client id of nobody else, with no will."""
        self._looks = True
        greeting = self.negotiation.greeting(will=None)
        return replace(greeting, client_id=self.dispute.client_id_beside)

    def accepted_beside(self, announced: Limits) -> bool:
        """That connection stands; whether it is one beside ours.

        A broker that names its clients itself may give it the very place that is looked at.

        Raises:
            ConnectionFailedError: It does, and with a ``node`` nothing else is tried there.
        """
        if announced.client_id is not None:
            if self.dispute.node:
                so = f"it calls this client {announced.client_id!r}, whatever we say, and so"
                raise ConnectionFailedError(f"{so} {NAMES_US}", ours=True)
            self.cannot_look(f"it calls us {announced.client_id!r} there as well")
            return False
        self.accepted(announced)
        self._current.delays.accepted()
        self._since_s = self.clock.monotonic()
        if self._lost:
            log.info("broker %s is back; somebody else may serve there", self.address)
        self._lost = {}
        return True

    def cannot_look(self, why: str) -> None:
        """This broker lets nobody look from beside: our own client id is all that is tried."""
        self._current.lets_look = self.dispute.thrown_out = False
        log.warning("broker %s does not let us see who serves in our place: %s", self.address, why)

    def online(self) -> None:
        """All was sent; whether the connection is a good one is seen later."""
        self._since_s = self.clock.monotonic()
        self._current.delays.accepted()
        if not self._current.delays.disputed:
            self._back()

    async def outlast_a_dispute(self) -> None:
        """Wait until a connection that others may end has lasted."""
        if self._current.delays.disputed:
            await self.clock.sleep(GOOD_S)
            self._current.delays.good()
            self._back()

    def ended(self, failure: ConnectionFailedError | None) -> float:
        """A try has ended; the seconds until the next one. Without ``failure`` it was wanted."""
        since_s, stood, looked = self._since_s, self._stood, self._looks
        self._nothing_stands()
        if failure is None:
            return 0.0
        now, delays, now_s = self._current, self._current.delays, self.clock.monotonic()
        lasted_s = None if since_s is None else now_s - since_s
        if lasted_s is not None and not looked:
            delays.served(lasted_s)
        is_away, was_5 = not stood or failure.silent, self.negotiation.version is V5
        failure = self.negotiation.with_reason(failure)
        if self.negotiation.failed(failure, stood=stood):
            if failure.code == UNSUPPORTED_PROTOCOL and was_5:
                log.info("broker %s speaks no MQTT 5, using 3.1.1", self.address)
            return 0.0
        before = now.short_lived[looked]
        now.short_lived[looked] = count_short_lived(before, lasted_s, is_away=is_away)
        fault = self._explained(failure, looked=looked)
        if looked and not self.dispute.node and fault.kind is not Kind.PASSES:
            self.cannot_look(str(failure))
            return delays.wait_s(Kind.THROWN_OUT)
        wait_s = delays.wait_s(fault.kind)
        self._tell(fault, wait_s, looked=looked)
        now.due_s = now_s + wait_s
        if lasted_s is None or looked or fault.kind is Kind.SLOWLY:
            self._now = next_of(self._candidates, self._now, now_s)
        return max(0.0, self._current.due_s - now_s)

    def _nothing_stands(self) -> None:
        self._looks = self._stood = False
        self._since_s = None

    def _explained(self, failure: ConnectionFailedError, *, looked: bool) -> Fault:
        client_id = self.dispute.client_id_beside if looked else self.negotiation.client_id
        short_lived = self._current.short_lived[looked]
        fault = explain(failure, self.negotiation.settings, client_id, short_lived=short_lived)
        if looked and self.dispute.node and fault.kind is Kind.THROWN_OUT:
            text = (  # nobody else looks as we do
                f"broker {self.address} has ended the connections on which this node waits: it "
                "probably calls its clients by their user names (use_username_as_clientid in "
                f"Mosquitto), and so {NAMES_US}"
            )
            return fault._replace(text=text)
        return fault

    def _tell(self, fault: Fault, wait_s: float, *, looked: bool) -> None:
        is_dispute, dispute = fault.kind is Kind.THROWN_OUT, self.dispute
        if is_dispute and not looked:
            is_ours = self.negotiation.client_id == self._client_id
            dispute.thrown_out = is_ours and self._current.lets_look
        then = f"trying again, next in {wait_s:.0f} s"
        if dispute.thrown_out:
            then = "this one comes back when nobody else serves"
        before = self._lost.get(self.address, "")
        if is_dispute:
            dispute.found(fault.text, then)
        elif fault.kind is not Kind.PASSES:
            if fault.text != before:
                log.error("%s; %s", fault.text, then)
            self._lost[self.address] = fault.text
        elif not before:
            log.warning("%s; trying again until it is back", fault.text)
            self._lost[self.address] = fault.text

    def _back(self) -> None:
        if self._lost or self.dispute.other or not self._was_connected:
            version = self.negotiation.version.value
            log.info("connected to broker %s, MQTT %s", self.address, version)
        self._lost, self._was_connected, self.dispute.other = {}, True, ""
