"""One broker connection that comes back for ever, and what is sent and received on it.

Order, on the first and on later ones: subscribe, receive from then on, what ``welcome`` gives,
``online``, then what ``backlog`` gives whenever nothing else waits. Changes go before all of these.
The newest value a topic is all that is kept while the broker is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import random as _random

from bridge.broker.connection import connect as _connect
from bridge.broker.lease import Lease, OutbidError
from bridge.broker.negotiation import V5
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
from bridge.contract.deadline import within
from bridge.contract.retry import Random
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

GOODBYE_S = 5.0


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
        self._goodbye, self._lease = goodbye, lease
        self._clock, self._connect = clock, connect
        self._unpublished = Refusals("publish on", user=settings.user, clock=clock)
        self._unsubscribed = Refusals("subscribe to", user=settings.user, clock=clock)
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
        self._receive_check = ReceiveCheck(state_topic, user=settings.user, clock=clock)
        self._reconnecting = Reconnecting(
            settings, client_id, node=lease.node if lease else None, clock=clock, random=random
        )
        self._own_state = OwnState(lambda: self._reconnecting.is_online, self._say_online, clock)
        self._session: Session | None = None
        self.connects = 0
        """Connections made so far."""
        self.subscribe(state_topic, self._own_state.receive)
        if lease:
            self.subscribe(lease.topic, lease.receive)

    @property
    def address(self) -> str:
        """The broker that is tried next, or is connected, for people."""
        return self._reconnecting.address

    @property
    def connected(self) -> bool:
        """Whether subscriptions are made on a connection that still stands."""
        return self._session is not None

    @property
    def dispute(self) -> str:
        """Who else uses our client id, in words, while that goes on and for a moment after."""
        return "" if self._reconnecting.is_lost else self._reconnecting.dispute.other

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
        return self._reconnecting.negotiation.version.value

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
        is_ours = not message.retain and not self._reconnecting.dispute.looks_first
        if self._session is not None or is_ours:
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
        reconnecting = self._reconnecting
        while True:
            failure: ConnectionFailedError | None = None
            try:
                if reconnecting.dispute.looks_first:
                    await watch(reconnecting, self._online.topic, self._lease, self._connect)
                async with self._connect(reconnecting.greeting(self._offline)) as session:
                    reconnecting.accepted(session.limits)
                    await self._converse(session)
            except* ConnectionFailedError as group:
                failure = first_failure(group)
            except* OutbidError:
                failure = None  # it was ended by us
                log.warning("node %s serves; this one waits", self._lease and self._lease.other)
            finally:
                self._session = None
                if self._lease:
                    self._lease.lost()
                wait_s = reconnecting.ended(failure)
            task = asyncio.current_task()
            if task and task.cancelling():  # a failing disconnect, or wait_for, has hidden it
                raise asyncio.CancelledError
            if wait_s:
                await self._clock.sleep(wait_s)

    async def _converse(self, session: Session) -> None:
        """Until the connection ends; when cancelled, with a goodbye."""
        self._subscriptions.begin()
        self._receive_check.begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._subscriptions.run(session), name="mqtt-subscriptions")
                tasks.create_task(self._send(session, tasks), name="mqtt-send")
                tasks.create_task(self._sender.resend(), name="mqtt-resend")
                tasks.create_task(self._own_state.run(), name="mqtt-heal")
                tasks.create_task(self._reconnecting.outlast_a_dispute(), name="mqtt-dispute")
                # in the body: Python 3.11 forgets to take back its own cancel of a parent that
                # already waits for its children, and who runs this counts them
                async for received in session.received():
                    self._receive_check.receive(received)
                    self._subscriptions.deliver(received)
        except asyncio.CancelledError:
            try:
                await within(GOODBYE_S, self._sender.leave(session, self._goodbye, self._offline))
            except (ConnectionFailedError, TimeoutError) as error:
                session.drop()  # the will says it
                log.warning("could not say goodbye to the broker: %s", str(error) or "no answer")
            raise

    async def _send(self, session: Session, tasks: asyncio.TaskGroup) -> None:
        await self._subscriptions.complete()
        if lease := self._lease:
            if lease.is_anew:  # whoever served meanwhile has said it
                self._outbox.clear()
            for refused in await lease.take(session):
                self._unpublished.refused(lease.topic, refused.code, refused.reason)
            tasks.create_task(lease.watch_over(session, self.publish), name="mqtt-lease")
        self._outbox.begin()
        self._session = session
        await self._sender.greet(session, self._online)
        self.connects += 1
        self._reconnecting.online()
        topic, is_5 = self._online.topic, self._reconnecting.negotiation.version is V5
        if topic not in self._unsubscribed and topic not in self._unpublished:
            proof = self._receive_check.prove(
                self._say_online, self._subscriptions.filters, says_refusals=is_5
            )
            tasks.create_task(proof, name="mqtt-receive-check")
        await self._sender.run(session)

    def _say_online(self) -> None:
        self.publish(self._online)
