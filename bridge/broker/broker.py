"""One broker connection that comes back for ever, and what is sent and received on it.

The newest value a topic is all that is kept while the broker is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from random import random as _random

from bridge.broker.connection import connect as _connect
from bridge.broker.conversation import Conversation
from bridge.broker.lease import Lease, OutbidError
from bridge.broker.negotiation import Negotiation
from bridge.broker.outbox import Outbox
from bridge.broker.own_state import OwnState
from bridge.broker.receive_check import ReceiveCheck
from bridge.broker.reconnect import Reconnecting
from bridge.broker.refused_topics import Refusals
from bridge.broker.sender import Messages, Sender
from bridge.broker.session import Connect, ConnectionFailedError, Limits, Session, first_failure
from bridge.broker.subscriptions import Handler, Subscriptions
from bridge.broker.takeover import watch
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message
from bridge.retry import Random

log = logging.getLogger(__name__)


class Broker:
    """The connection of one process.

    ``state_topic`` says ``online`` and carries the last will; whatever else is found there later (a
    will that came late) is answered with ``online``. ``welcome`` gives all messages that a broker
    without memory must get before ``online``, ``backlog`` those that may come after it;
    ``goodbye`` those of a clean stop, without the final ``offline``. ``acknowledged`` is called for
    each message that the broker has. With a ``lease`` it is looked before each connection whether
    another node serves.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        state_topic: str,
        welcome: Messages,
        clock: Clock,
        backlog: Messages = tuple,
        goodbye: Messages = tuple,
        acknowledged: Callable[[Message], None] = lambda _: None,
        lease: Lease | None = None,
        connect: Connect = _connect,
        random: Random = _random,
    ) -> None:
        self._online = Message(state_topic, ONLINE.encode())
        self._offline = Message(state_topic, OFFLINE.encode())
        self._clock, self._connect = clock, connect
        user = settings.user
        self._unpublished = Refusals("publish on", user=user, clock=clock)
        self._unsubscribed = Refusals("subscribe to", user=user, clock=clock)
        self._outbox = Outbox()
        self._sender = Sender(
            self._outbox,
            self._unpublished,
            welcome=welcome,
            backlog=backlog,
            acknowledged=acknowledged,
            clock=clock,
        )
        self._subscriptions = Subscriptions(self._unsubscribed, clock)
        self._receive_check = ReceiveCheck(state_topic, user=user, clock=clock)
        self._lease = lease
        self._reconnecting = Reconnecting(
            settings, client_id, node=lease.node if lease else None, clock=clock, random=random
        )
        self._watch = partial(
            watch,
            self._reconnecting,
            state_topic,
            lease,
            connect=connect,
            clock=clock,
            random=random,
        )
        self._session: Session | None = None
        self._own_state = OwnState(
            is_online=lambda: self._reconnecting.is_online,
            say_online=lambda: self.publish(self._online),
            clock=clock,
        )
        self._conversation = Conversation(
            online=self._online,
            offline=self._offline,
            goodbye=goodbye,
            outbox=self._outbox,
            sender=self._sender,
            subscriptions=self._subscriptions,
            receive_check=self._receive_check,
            own_state=self._own_state,
            reconnecting=self._reconnecting,
            lease=lease,
            unpublished=self._unpublished,
            unsubscribed=self._unsubscribed,
            publish=self.publish,
            began=self._begin,
            greeted=self._greeted,
        )
        self.connects = 0
        """Connections made so far."""
        self.subscribe(state_topic, self._own_state.receive)
        if lease:
            self.subscribe(lease.topic, lease.receive)

    @property
    def _negotiation(self) -> Negotiation:
        return self._reconnecting.negotiation

    @property
    def address(self) -> str:
        """The broker that is tried next, or is connected, for people."""
        return self._negotiation.settings.address

    @property
    def connected(self) -> bool:
        """Whether subscriptions are made on a connection that still stands."""
        return self._session is not None

    @property
    def dispute(self) -> str:
        """Who else uses our client id, in words, while that goes on and for a moment after."""
        return self._reconnecting.dispute

    @property
    def standby(self) -> str:
        """In words, while this node of ``[standby]`` waits."""
        if not self._lease or not self._reconnecting.is_beside:
            return ""
        serves = self._lease.other or "nobody"
        return f"standby: {serves} serves, this node ({self._lease.node}) waits"

    @property
    def mqtt_version(self) -> str:
        """The protocol in use: ``5.0`` or ``3.1.1``."""
        return self._negotiation.version.value

    @property
    def limits(self) -> Limits | None:
        """What the broker announced, while we are connected."""
        return self._session.limits if self._session else None

    @property
    def waiting(self) -> int:
        """Messages that wait for the broker."""
        return len(self._outbox)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong between us and the broker, in words."""
        receiving = [self._receive_check.problem] if self._receive_check.problem else []
        refused = (*self._unsubscribed.problems, *self._unpublished.problems)
        return (*self._reconnecting.problems, *receiving, *refused)

    def publish(self, message: Message, *, beat: bool = False) -> None:
        """Send soon; never blocks. While the broker is away a state is left to ``welcome``.

        While another program serves in our place an event is left to that one. A ``beat`` repeats
        what is known: changes go before it.
        """
        if self._session is not None or not (message.retain or self._reconnecting.looks_first):
            self._outbox.put(message, beat=beat)

    @property
    def has_room(self) -> bool:
        """Whether so few messages wait that another one is soon sent."""
        return self._outbox.has_room

    @property
    def has_room_for_changes(self) -> bool:
        """Whether so few changes wait that another one is soon sent."""
        return self._outbox.has_room_for_changes

    async def room(self) -> None:
        """Wait for ``has_room``."""
        await self._outbox.room()

    def subscribe(
        self, topic_filter: str, handler: Handler, *, commands: bool = False, optional: bool = False
    ) -> None:
        """Call ``handler`` for each message that matches, now and after every reconnect.

        ``commands`` marks topics where stored messages are not wanted. ``optional`` ones are for
        what others publish, now: all works without, so that a refusal is no trouble.
        """
        self._subscriptions.add(topic_filter, handler, commands=commands, optional=optional)

    def unsubscribe(self, topic_filter: str) -> None:
        """Call nobody any more for ``topic_filter``."""
        self._subscriptions.remove(topic_filter)

    async def run(self) -> None:
        """Connect, serve and reconnect until cancelled; then say goodbye."""
        while True:
            failures: list[ConnectionFailedError] = []
            try:
                if self._reconnecting.looks_first:
                    await self._watch()
                await self._serve()
            except* ConnectionFailedError as group:
                failures.append(first_failure(group))
            except* OutbidError:
                failures.clear()  # it was ended by us
                log.warning("node %s serves; this one waits", self._lease and self._lease.other)
            finally:
                self._session = None
                if self._lease:
                    self._lease.lost()
                wait_s = self._reconnecting.ended(failures[0] if failures else None)
            _stop_if_cancelled()
            if wait_s:
                await self._clock.sleep(wait_s)

    async def _serve(self) -> None:
        async with self._connect(self._negotiation.greeting(will=self._offline)) as session:
            self._reconnecting.accepted(session.limits)
            await self._conversation.run(session)

    def _begin(self, session: Session) -> None:
        self._outbox.begin()
        self._session = session

    def _greeted(self) -> None:
        self.connects += 1
        self._reconnecting.online()


def _stop_if_cancelled() -> None:
    """Honour a cancellation that a failing disconnect or Python 3.11's wait_for has hidden."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
