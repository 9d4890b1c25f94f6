"""Keeps one broker connection for ever and resends all on each connect. Never queues old states.

Order on every connect, first or later: subscribe, then what ``welcome`` gives (discovery, states,
``online`` last). The newest value a topic is all that is kept while the broker is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from random import random as _random

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from bridge.broker.complaint import UNSUPPORTED_PROTOCOL, complaint, reason_code
from bridge.broker.connection import MQTT5, MQTT311, Connection, Received
from bridge.broker.outbox import Outbox, chunks
from bridge.config import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message
from bridge.retry import Random, full_jitter

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Publishes that may be unacknowledged: a flood of discovery drowns small brokers."""
ROOM = 200
"""Who has thousands of messages keeps them while so many wait, and so the newest can go first."""
RECONNECT_FIRST_S, RECONNECT_MOST_S = 1.0, 60.0
HELD_S = 60.0
"""A connection that lasted this long was a good one. Two with one client id throw each other out at
once, and Mosquitto 2.0 does not tell them why: they must not do so every second."""
GOODBYE_S = 5.0
Handler = Callable[[Received], None]


class Broker:
    """The connection of one process: publishes, follows topics, keeps ``online`` true.

    ``state_topic`` carries the last will; a foreign ``offline`` there (a will that came late) is
    answered with ``online``. ``welcome`` gives all messages that a broker without memory must
    get; ``goodbye`` those of a clean stop, without the final ``offline``.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        state_topic: str,
        welcome: Callable[[], Iterable[Message]],
        clock: Clock,
        goodbye: Callable[[], Iterable[Message]] = tuple,
        random: Random = _random,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._online = Message(state_topic, ONLINE.encode())
        self._offline = Message(state_topic, OFFLINE.encode())
        self._welcome, self._goodbye = welcome, goodbye
        self._clock, self._random = clock, random
        self._handlers: dict[str, tuple[Handler, bool]] = {}
        self._outbox = Outbox()
        self._protocol = MQTT5
        self._complaint = ""
        self._refusals: set[str] = set()
        self._connection: Connection | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self.connects = 0
        """Connections made so far."""
        self.acknowledged: Callable[[Message], None] = lambda _: None
        """Called with each message that the broker has taken."""
        self.subscribe(state_topic, self._heal)

    @property
    def connected(self) -> bool:
        """Whether the broker has been greeted on a connection that still stands."""
        return self._connection is not None

    @property
    def mqtt_version(self) -> str:
        """The protocol in use: ``5.0`` or ``3.1.1``."""
        return "5.0" if self._protocol is MQTT5 else "3.1.1"

    @property
    def waiting(self) -> int:
        """Messages that wait for the broker."""
        return len(self._outbox)

    def publish(self, message: Message, *, beat: bool = False) -> None:  # noqa: ARG002 - next
        """Send soon; never blocks. While the broker is away a state waits for ``welcome``.

        A ``beat`` repeats what is known: changes go before it.
        """
        if self.connected or not message.retain:
            self._outbox.put(message)

    @property
    def has_room(self) -> bool:
        """Whether so few messages wait that another one is soon sent."""
        return len(self._outbox) < ROOM

    async def room(self) -> None:
        """Wait for ``has_room``."""
        await self._outbox.room(ROOM)

    def subscribe(self, topic_filter: str, handler: Handler, *, commands: bool = False) -> None:
        """Call ``handler`` for each message that matches, now and after every reconnect.

        ``commands`` marks topics where stored messages are not wanted.
        """
        self._handlers[topic_filter] = (handler, commands)
        if self._tasks is not None and self._connection is not None:
            self._tasks.create_task(
                self._subscribe(self._connection, topic_filter, commands=commands),
                name="mqtt-subscribe",
            )

    def unsubscribe(self, topic_filter: str) -> None:
        """Call nobody any more for ``topic_filter``."""
        known = self._handlers.pop(topic_filter, None)
        if known and self._tasks is not None and self._connection is not None:
            self._tasks.create_task(
                self._connection.unsubscribe(topic_filter), name="mqtt-unsubscribe"
            )

    async def run(self) -> None:
        """Connect, serve and reconnect until cancelled; then say goodbye."""
        attempt = 0
        while True:
            before, began_s = self.connects, self._clock.monotonic()
            lost: list[BaseException] = []
            try:
                await self._session()
            except* (aiomqtt.MqttError, OSError) as group:
                lost.append(_first(group))
            _stop_if_cancelled()
            if self.connects > before and self._clock.monotonic() - began_s >= HELD_S:
                attempt = 0
            delay_s = self._lost(lost[0])
            if delay_s is None:
                delay_s = full_jitter(
                    attempt,
                    first_s=RECONNECT_FIRST_S,
                    most_s=RECONNECT_MOST_S,
                    random=self._random,
                )
            attempt += 1
            await self._clock.sleep(delay_s)

    async def _session(self) -> None:
        async with Connection(
            self._settings,
            client_id=self._client_id,
            will=self._offline,
            protocol=self._protocol,
        ) as connection:
            try:
                await self._greet(connection)
                _stop_if_cancelled()
                async with asyncio.TaskGroup() as tasks:
                    self._tasks = tasks
                    tasks.create_task(self._send(connection), name="mqtt-send")
                    # in the body: Python 3.11 forgets to take back its own cancel of a parent
                    # that already waits for its children, and _stop_if_cancelled counts them
                    await self._receive(connection)
            except asyncio.CancelledError:
                await self._say_goodbye(connection)
                raise
            finally:
                self._connection = self._tasks = None

    async def _greet(self, connection: Connection) -> None:
        for topic_filter, (_, commands) in list(self._handlers.items()):
            await self._subscribe(connection, topic_filter, commands=commands)
        self._outbox.forget_retained()
        self._connection = connection
        await self._publish(connection, self._with_news(self._welcome()))
        await self._publish(connection, [self._online])
        self.connects += 1
        if self._complaint or self.connects == 1:
            log.info("connected to broker %s, MQTT %s", self._settings.address, self.mqtt_version)
        self._complaint = ""

    async def _subscribe(
        self, connection: Connection, topic_filter: str, *, commands: bool
    ) -> None:
        try:
            await connection.follow(topic_filter, commands=commands)
        except PermissionError:
            self._refused(topic_filter, "follow")

    async def _send(self, connection: Connection) -> None:
        while True:
            await self._outbox.wait()
            await self._publish(connection, self._outbox.take(IN_FLIGHT))

    async def _receive(self, connection: Connection) -> None:
        async for received in connection.received():
            for topic_filter, (handler, _) in list(self._handlers.items()):
                if aiomqtt.Topic(received.topic).matches(topic_filter):
                    handler(received)

    async def _publish(self, connection: Connection, messages: Iterable[Message]) -> None:
        for chunk in chunks(messages, IN_FLIGHT):
            refused = await connection.send(chunk)
            for message, reason in refused:
                self._refused(message.topic, "publish on", reason)
            for message in chunk:
                if not any(message is other for other, _ in refused):
                    self.acknowledged(message)

    def _with_news(self, messages: Iterable[Message]) -> Iterator[Message]:
        """``messages``, and between them states that came meanwhile: news does not wait."""
        for chunk in chunks(messages, IN_FLIGHT):
            yield from chunk
            yield from self._outbox.take(IN_FLIGHT, events=False)

    async def _say_goodbye(self, connection: Connection) -> None:
        async def last_words() -> None:
            await self._publish(connection, self._outbox.take(len(self._outbox)))
            await self._publish(connection, self._goodbye())
            await self._publish(connection, [self._offline])

        try:
            await within(GOODBYE_S, last_words())
        except (aiomqtt.MqttError, TimeoutError) as error:
            log.warning("could not say goodbye to the broker: %s", str(error) or "no answer")

    def _heal(self, received: Received) -> None:
        if received.payload == self._offline.payload and self.connected:
            self.publish(self._online)

    def _lost(self, error: BaseException) -> float | None:
        """Log ``error`` once; return the wait in seconds when it is not the usual back-off."""
        if reason_code(error) == UNSUPPORTED_PROTOCOL and self._protocol is MQTT5:
            log.info("broker %s speaks no MQTT 5, using 3.1.1", self._settings.address)
            self._protocol = MQTT311
            return 0.0
        told = complaint(error, self._settings, self._client_id)
        if told.wait_s is not None and told.text != self._complaint:
            log.error("%s; trying again every %.0f s", told.text, told.wait_s)
            self._complaint = told.text
        elif not self._complaint:
            log.warning("%s; trying again until it is back", told.text)
            self._complaint = told.text
        return told.wait_s

    def _refused(self, topic: str, verb: str, reason: ReasonCode | None = None) -> None:
        if topic not in self._refusals:
            self._refusals.add(topic)
            log.error(
                "the broker does not let user %s %s %s (%s): check its access rules",
                self._settings.username or "anonymous",
                verb,
                topic,
                reason or "subscription refused",
            )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _stop_if_cancelled() -> None:
    """Honour a cancellation that a failing disconnect or Python 3.11's wait_for has hidden."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
