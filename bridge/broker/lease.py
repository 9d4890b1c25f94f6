"""Which of several bridges of one base topic serves: one connection has the client id.

The broker ends the connection of whoever had the client id before. Since all is published on that
connection, whoever is out can write nothing any more. What is on ``bridge/leader`` only orders
them: who served last, and the epoch that everybody's facts had then.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bridge.broker.session import Received, Refusal, Session
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json

log = logging.getLogger(__name__)

EPOCH_MOST = 2**53 - 1
"""As of the states; nobody could come after it."""
LISTEN_S = 2.0
"""After our own word, for somebody else's: the nodes of a cluster hear of each other late."""


class OutbidError(Exception):
    """Somebody else serves, in an epoch that is not below ours."""


class Leader(NamedTuple):
    """Who serves, or served last."""

    node: str
    epoch: int
    since: str = ""
    """Its wall clock then, in ISO 8601."""

    @property
    def payload(self) -> bytes:
        """As it is on the topic."""
        return encode_json(self._asdict())


def leader_of(payload: bytes) -> Leader | None:
    """The one that ``payload`` names; ``None`` when it was erased, or is none of ours."""
    try:
        values = decode_json(payload or b"{}")
    except ContractError:
        return None
    node, epoch, since = (values.get(key) for key in Leader._fields)
    if type(epoch) is not int or not 0 <= epoch < EPOCH_MOST:
        return None
    if not isinstance(node, str) or not node:
        return None
    return Leader(node, epoch, since if isinstance(since, str) else "")


class Lease:
    """The part of one ``node`` in it.

    ``next_epoch`` gives one above ours and the one that it gets. ``begin`` starts to serve and
    returns when there is something to say; it is called with whether somebody else may have served
    since. ``end`` stops it. ``store`` is called with what we say, for ``remember`` after a start.
    """

    def __init__(
        self,
        node: str,
        topics: Topics,
        *,
        next_epoch: Callable[[int], int],
        begin: Callable[[bool], Awaitable[None]],
        end: Callable[[], None],
        clock: Clock,
        store: Callable[[Leader], None] = lambda _: None,
    ) -> None:
        self.node = node
        self.topic, self.health_topic = topics.bridge_leader, topics.bridge_health
        self._next_epoch, self._begin, self._end, self._clock = next_epoch, begin, end, clock
        self._outbid = self._is_to_say = False
        self._ours: Leader | None = None
        self._store = store
        self._decided_on: Leader | None = None
        self._highest = 0
        """The highest epoch that was heard: a broker may forget who served last."""
        self.leader: Leader | None = None
        """Who serves, or served last, as far as was heard."""
        self.health = b""
        """What was heard last of the health of who serves."""
        self.serves = False
        self._logged = ""

    def remember(self, ours: Leader | None) -> None:
        """What we said last before this start: by that, not by its name, a node knows it served."""
        self._ours = ours

    @property
    def is_ours(self) -> bool:
        """Whether nobody else has served since we did."""
        if self.leader is None or self._ours is None or self.leader.node != self.node:
            return False
        return self.leader.epoch <= self._ours.epoch

    @property
    def is_anew(self) -> bool:
        """Whether somebody else may have served since we did."""
        return not self.is_ours or (self._ours is not None and self._highest > self._ours.epoch)

    @property
    def outranks(self) -> bool:
        """Whether who serves has an epoch below ours: readers would take its facts for old ones."""
        if self._ours is None or self.leader is None or self.leader.node == self.node:
            return False
        return self.leader.epoch < self._ours.epoch

    @property
    def other(self) -> str:
        """The node that serves or served last, where that is not this one."""
        return "" if self.leader is None or self.is_ours else self.leader.node

    @property
    def is_twin(self) -> bool:
        """Whether that one has the name of this node."""
        return self.other == self.node

    def receive(self, received: Received) -> None:
        """Take what is on the topic; who serves answers what is not its own word."""
        heard = leader_of(received.payload)
        self._highest = max(self._highest, heard.epoch if heard else 0)
        if self._ours is None or not self.serves:
            self.leader = heard
        elif heard is None or heard.epoch < self._ours.epoch:
            self._is_to_say = True
        elif heard != self._ours:
            self.leader = heard
            self._outbid = True

    def receive_health(self, received: Received) -> None:
        """Take the health of who serves."""
        self.health = received.payload

    def log_waiting(self) -> None:
        """Say once who serves."""
        if self.other and self.other != self._logged:
            log.info("node %s serves; this one, %s, waits", self.other, self.node)
        self._logged = self.other

    def decide(self) -> None:
        """Try to serve in place of who is known now; of nobody who comes meanwhile."""
        self._decided_on = self.leader

    async def take(self, session: Session) -> list[Refusal]:
        """Say that this node serves from now on, and begin; what the broker refused of it.

        Raises:
            OutbidError: Somebody else says so too.
        """
        if self.other and self.leader != self._decided_on:
            raise OutbidError
        is_anew = self.is_anew
        since = self._clock.now().isoformat(timespec="seconds")
        ours = self._say(Leader(self.node, self._next_epoch(self._highest), since))
        self._outbid, self._is_to_say, self.serves = False, False, True
        refused = await session.send([Message(self.topic, ours.payload)])
        await self._clock.sleep(LISTEN_S)
        if self._outbid:
            raise OutbidError
        self._logged = ""
        log.info("this node, %s, serves now, in epoch %d", self.node, ours.epoch)
        await self._begin(is_anew)
        return refused

    async def watch_over(self, session: Session, say: Callable[[Message], None]) -> None:
        """Answer what others put on the topic, until outbid, where the broker cannot end us.

        Two brokers that are merely joined let each node serve at one of them.

        Raises:
            OutbidError: Somebody else serves.
        """
        while not self._outbid:
            await self._clock.sleep(LISTEN_S)
            if self._is_to_say and self._ours:
                self._is_to_say = False
                say(Message(self.topic, self._ours.payload))
        session.drop()  # the will says it, and who serves answers that
        raise OutbidError

    def raised(self, epoch: int) -> None:
        """Our epoch was counted up while we serve."""
        if self.serves and self._ours and epoch > self._ours.epoch:
            self._say(self._ours._replace(epoch=epoch))
            self._is_to_say = True

    def lost(self) -> None:
        """The connection has ended: others may serve before we know it."""
        if self.serves:
            self.serves = False
            self._end()

    def _say(self, ours: Leader) -> Leader:
        self._ours = self.leader = ours
        self._store(ours)
        return ours
