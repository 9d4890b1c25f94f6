"""Keeps one broker connection for ever and resends all on each connect. Never queues old states.

Order on every connect, first or later: subscribe, receive from then on, what ``welcome`` gives,
``online``, then what ``backlog`` gives whenever nothing else waits. Changes go before all of these.
The newest value a topic is all that is kept while the broker is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from random import random as _random

from bridge.broker.connection import connect as _connect
from bridge.broker.errors import Fault, Kind, explain
from bridge.broker.pace import GOOD_S, Pace
from bridge.broker.publications import Publications, Words
from bridge.broker.session import (
    Connect,
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Received,
    Session,
)
from bridge.broker.subscriptions import Handler, Subscriptions
from bridge.config import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message
from bridge.retry import Random

log = logging.getLogger(__name__)

GOODBYE_S = 5.0


class Broker:
    """The connection of one process: publishes, hears, keeps ``online`` true.

    ``state_topic`` carries the last will; whatever else is found there later (a will that came
    late) is answered with ``online``. ``welcome`` gives all messages that a broker without memory
    must get before ``online``, ``backlog`` those that may come after it; ``goodbye`` those of a
    clean stop, without the final ``offline``. ``acknowledged`` is called for each message that the
    broker has.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        state_topic: str,
        welcome: Callable[[], Iterable[Message]],
        clock: Clock,
        backlog: Callable[[], Iterable[Message]] = tuple,
        goodbye: Callable[[], Iterable[Message]] = tuple,
        acknowledged: Callable[[Message], None] = lambda _: None,
        connect: Connect = _connect,
        random: Random = _random,
    ) -> None:
        self._settings, self._client_id = settings, client_id
        self._online = Message(state_topic, ONLINE.encode())
        self._offline = Message(state_topic, OFFLINE.encode())
        self._clock, self._connect = clock, connect
        user = settings.username or "anonymous"
        words = Words(welcome, self._online, backlog, goodbye, self._offline, acknowledged)
        self._publications = Publications(words, user=user, clock=clock)
        self._subscriptions = Subscriptions(user=user, clock=clock)
        self._pace = Pace(random)
        self._version = ProtocolVersion.V5
        self._session: Session | None = None
        self._online_since_s: float | None = None
        self._trouble = ""
        self.connects = 0
        """Connections made so far."""
        self.subscribe(state_topic, self._heal)

    @property
    def connected(self) -> bool:
        """Whether subscriptions are made on a connection that still stands."""
        return self._session is not None

    @property
    def mqtt_version(self) -> str:
        """The protocol in use: ``5.0`` or ``3.1.1``."""
        return self._version.value

    @property
    def limits(self) -> Limits | None:
        """What the broker announced, while we are connected."""
        return self._session.limits if self._session else None

    @property
    def waiting(self) -> int:
        """Messages that wait for the broker."""
        return len(self._publications)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong between us and the broker, in words: lost, deaf, or not let speak."""
        lost = [self._trouble] if self._trouble else []
        return (*lost, *self._subscriptions.problems, *self._publications.problems)

    def publish(self, message: Message, *, beat: bool = False) -> None:
        """Send soon; never blocks. While the broker is away a state is left to ``welcome``.

        A ``beat`` repeats what is known: changes go before it.
        """
        if self._session is not None or not message.retain:
            self._publications.put(message, beat=beat)

    @property
    def has_room(self) -> bool:
        """Whether so few messages wait that another one is soon sent."""
        return self._publications.has_room

    async def room(self) -> None:
        """Wait for ``has_room``."""
        await self._publications.room()

    def subscribe(self, topic_filter: str, handler: Handler, *, commands: bool = False) -> None:
        """Call ``handler`` for each message that matches, now and after every reconnect.

        ``commands`` marks topics where stored messages are not wanted.
        """
        self._subscriptions.add(topic_filter, handler, commands=commands)

    def unsubscribe(self, topic_filter: str) -> None:
        """Call nobody any more for ``topic_filter``."""
        self._subscriptions.remove(topic_filter)

    async def run(self) -> None:
        """Connect, serve and reconnect until cancelled; then say goodbye."""
        while True:
            failures: list[ConnectionFailedError] = []
            try:
                await self._serve()
            except* ConnectionFailedError as group:
                failures.append(_first(group))
            finally:
                lasted_s = self._lasted_s()
                self._session = self._online_since_s = None
            _stop_if_cancelled()
            await self._clock.sleep(self._lost(failures[0], lasted_s))

    def _lasted_s(self) -> float | None:
        since_s = self._online_since_s
        return None if since_s is None else self._clock.monotonic() - since_s

    async def _serve(self) -> None:
        greeting = Greeting(self._settings, self._client_id, self._version, will=self._offline)
        async with self._connect(greeting) as session:
            self._subscriptions.begin()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._subscriptions.keep(session), name="mqtt-subscriptions")
                    tasks.create_task(self._send(session), name="mqtt-send")
                    tasks.create_task(self._publications.resend(), name="mqtt-resend")
                    if self._pace.disputed:
                        tasks.create_task(self._watch_dispute(), name="mqtt-dispute")
                    # in the body: Python 3.11 forgets to take back its own cancel of a parent
                    # that already waits for its children, and _stop_if_cancelled counts them
                    async for received in session.received():
                        self._subscriptions.deliver(received)
            except asyncio.CancelledError:
                await self._say_goodbye(session)
                raise

    async def _send(self, session: Session) -> None:
        await self._subscriptions.complete()
        self._publications.begin()
        self._session = session
        await self._publications.greet(session)
        self._greeted()
        await self._publications.keep(session)

    def _greeted(self) -> None:
        self._online_since_s = self._clock.monotonic()
        self.connects += 1
        self._pace.accepted()
        if not self._pace.disputed:
            self._back()

    def _back(self) -> None:
        if self._trouble or self.connects == 1:
            log.info("connected to broker %s, MQTT %s", self._settings.address, self.mqtt_version)
        self._trouble = ""

    async def _watch_dispute(self) -> None:
        """Another program wants this connection: it is ours only when it has lasted."""
        await self._clock.sleep(GOOD_S)
        self._pace.good()
        self._back()

    async def _say_goodbye(self, session: Session) -> None:
        try:
            await within(GOODBYE_S, self._publications.say_goodbye(session))
        except (ConnectionFailedError, TimeoutError) as error:
            session.drop()  # the will says it
            log.warning("could not say goodbye to the broker: %s", str(error) or "no answer")

    def _heal(self, received: Received) -> None:
        if received.payload != self._online.payload and self._online_since_s is not None:
            self.publish(self._online)

    def _lost(self, failure: ConnectionFailedError, lasted_s: float | None) -> float:
        """Log it once; the seconds until the next try."""
        if lasted_s is not None and lasted_s >= GOOD_S:
            self._pace.good()
        elif lasted_s is not None:
            self._pace.short_lived += 1
        fault = explain(
            failure, self._settings, self._client_id, short_lived=self._pace.short_lived
        )
        if fault.kind is Kind.OLD_BROKER and self._version is ProtocolVersion.V311:
            fault = Fault(Kind.PASSES, f"broker {self._settings.address}: {failure}")
        wait_s = self._pace.wait_s(fault.kind)
        self._tell(fault, wait_s)
        return wait_s

    def _tell(self, fault: Fault, wait_s: float) -> None:
        if fault.kind is Kind.OLD_BROKER:
            log.info("%s, using 3.1.1", fault.text)
            self._version = ProtocolVersion.V311
        elif fault.kind is Kind.PASSES:
            if not self._trouble:
                log.warning("%s; trying again until it is back", fault.text)
                self._trouble = fault.text
        elif fault.text != self._trouble:
            log.error("%s; trying again, next in %.0f s", fault.text, wait_s)
            self._trouble = fault.text


def _first(group: BaseExceptionGroup[ConnectionFailedError]) -> ConnectionFailedError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConnectionFailedError)
    return error


def _stop_if_cancelled() -> None:
    """Honour a cancellation that a failing disconnect or Python 3.11's wait_for has hidden."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
