"""What is said on one connection, from its CONNACK to the goodbye.

Order, on the first and on later ones: subscribe, receive from then on, what ``welcome`` gives,
``online``, then what ``backlog`` gives whenever nothing else waits. Changes go before all of these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bridge.broker.lease import Lease
from bridge.broker.negotiation import V5
from bridge.broker.outbox import Outbox
from bridge.broker.own_state import OwnState
from bridge.broker.receive_check import ReceiveCheck
from bridge.broker.reconnect import Reconnecting
from bridge.broker.refused_topics import Refusals
from bridge.broker.sender import Messages, Sender
from bridge.broker.session import ConnectionFailedError, Session
from bridge.broker.subscriptions import Subscriptions
from bridge.contract.deadline import within
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

GOODBYE_S = 5.0


@dataclass(frozen=True)
class Conversation:
    """Who takes part in it, connection after connection.

    ``began`` is called before anything of ours is sent, ``greeted`` after ``online``.
    """

    online: Message
    offline: Message
    goodbye: Messages
    outbox: Outbox
    sender: Sender
    subscriptions: Subscriptions
    receive_check: ReceiveCheck
    own_state: OwnState
    reconnecting: Reconnecting
    lease: Lease | None
    unpublished: Refusals
    unsubscribed: Refusals
    publish: Callable[[Message], None]
    began: Callable[[Session], None]
    greeted: Callable[[], None]

    async def run(self, session: Session) -> None:
        """Until the connection ends; when cancelled, with a goodbye."""
        self.subscriptions.begin()
        self.receive_check.begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.subscriptions.run(session), name="mqtt-subscriptions")
                tasks.create_task(self._send(session, tasks), name="mqtt-send")
                tasks.create_task(self.sender.resend(), name="mqtt-resend")
                tasks.create_task(self.own_state.run(), name="mqtt-heal")
                tasks.create_task(self.reconnecting.outlast_a_dispute(), name="mqtt-dispute")
                # in the body: Python 3.11 forgets to take back its own cancel of a parent that
                # already waits for its children, and who runs this counts them
                async for received in session.received():
                    self.receive_check.receive(received)
                    self.subscriptions.deliver(received)
        except asyncio.CancelledError:
            await self._say_goodbye(session)
            raise

    async def _send(self, session: Session, tasks: asyncio.TaskGroup) -> None:
        await self.subscriptions.complete()
        if self.lease:
            await self._take(self.lease, session, tasks)
        self.began(session)
        await self.sender.greet(session, self.online)
        self.greeted()
        tasks.create_task(self._check_receiving(), name="mqtt-receive-check")
        await self.sender.run(session)

    async def _take(self, lease: Lease, session: Session, tasks: asyncio.TaskGroup) -> None:
        if lease.is_anew:  # whoever served meanwhile has said it
            self.outbox.clear()
        for refused in await lease.take(session):
            self.unpublished.refused(lease.topic, refused.code, refused.reason)
        tasks.create_task(lease.watch_over(session, self.publish), name="mqtt-lease")

    async def _check_receiving(self) -> None:
        topic, is_5 = self.online.topic, self.reconnecting.negotiation.version is V5
        if topic not in self.unsubscribed and topic not in self.unpublished:
            await self.receive_check.prove(
                lambda: self.publish(self.online), self.subscriptions.filters, says_refusals=is_5
            )

    async def _say_goodbye(self, session: Session) -> None:
        try:
            await within(GOODBYE_S, self.sender.leave(session, self.goodbye, self.offline))
        except (ConnectionFailedError, TimeoutError) as error:
            session.drop()  # the will says it
            log.warning("could not say goodbye to the broker: %s", str(error) or "no answer")
