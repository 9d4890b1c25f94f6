"""One MQTT session from CONNACK to DISCONNECT, on paho-mqtt.

paho is the codec and the keepalive; its public socket callbacks let the event loop read and write,
so no thread lives beside it. aiomqtt, a wrapper of it, has no public way to send a batch and to
learn the reason code of each PUBACK, joins a blocked connect at exit, and reads one packet a turn:
eight of its private names were needed for that, and what remained of it was less than this module.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge.broker.dial import DEADLINE_S, dial
from bridge.broker.limits import fitting, narrower, size, too_large
from bridge.broker.paho_loop import READ_MOST, PahoLoop
from bridge.broker.properties import announced, expiring, failure, reason_text
from bridge.broker.session import (
    NO_WILDCARDS,
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Received,
    Refusal,
    Silence,
    SubscriptionRefusedError,
)
from bridge.broker.window import MOST
from bridge.contract.deadline import came
from bridge.contract.wire import Message

SEND_RETAINED_NEVER = 2
"""Retain handling for command topics: a stored command is not wanted (MQTT 5, 3.8.3.1)."""
TOPIC_INVALID, FILTER_INVALID = 0x90, 0x8F


@asynccontextmanager
async def connect(greeting: Greeting) -> AsyncIterator[Connection]:
    """Connect, and disconnect at the end.

    Raises:
        ConnectionFailedError: The broker refuses, is away, or is silent.
    """
    connection = Connection(await dial(greeting), greeting)
    try:
        await connection.accepted()
        yield connection
    finally:
        connection.close()


@dataclass
class _Batch:
    unanswered: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Connection:
    """A ``Session`` over a client of paho that has sent its CONNECT.

    An answer that is not there within ``DEADLINE_S`` ends it.
    """

    def __init__(self, client: Client, greeting: Greeting) -> None:
        self._client, self._known = client, greeting.known
        self._serving = PahoLoop(client, self._garbage)
        self._speaks_5 = greeting.version is ProtocolVersion.V5
        self._limits: Limits | None = None
        self._failure: ConnectionFailedError | None = None
        self._publishing: dict[int, tuple[Message, _Batch]] = {}
        self._answers: dict[int, list[ReasonCode]] = {}
        self._answered = asyncio.Event()
        self._inbox: deque[Received] = deque()
        self._arrived = asyncio.Event()

    @property
    def limits(self) -> Limits:
        """What the broker announced, or was known before."""
        return self._limits or self._known

    async def accepted(self) -> None:
        """Let the event loop serve the socket, and wait for CONNACK."""
        client = self._client
        client.on_connect = lambda _c, _d, _f, reason, more: self._on_connect(reason, more)
        client.on_disconnect = lambda _c, _d, flags, reason, more: self._on_disconnect(
            reason, more, by_broker=flags.is_disconnect_packet_from_server
        )
        client.on_publish = lambda _c, _d, mid, reason, more: self._on_publish(mid, reason, more)
        client.on_subscribe = lambda _c, _d, mid, reasons, _m: self._on_answer(mid, reasons)
        client.on_unsubscribe = lambda _c, _d, mid, reasons, _m: self._on_answer(mid, reasons)
        client.on_message = lambda _c, _d, message: self._on_message(message)
        self._serving.start()
        await self._until(lambda: self._limits is not None)

    async def send(self, messages: Sequence[Message]) -> list[Refusal]:
        """Publish ``messages``, so many at a time as the broker takes; those that it refused."""
        batch = _Batch()
        window = min(MOST, self.limits.receive_maximum)
        for message in messages:
            await self._until(lambda: len(self._publishing) < window)
            if refusal := self._publish(message, batch):
                batch.refused.append(refusal)
        await self._until(lambda: not batch.unanswered)
        return batch.refused

    async def subscribe(self, topic_filter: str, *, commands: bool, own: bool = False) -> None:
        """Subscribe, unless the broker has announced that it will refuse."""
        if not self.limits.wildcards and not {"+", "#"}.isdisjoint(topic_filter):
            raise SubscriptionRefusedError(topic_filter, NO_WILDCARDS, "it allows no wildcards")
        options = None
        if self._speaks_5:
            handling = SEND_RETAINED_NEVER if commands else 0
            options = SubscribeOptions(qos=1, noLocal=own, retainHandling=handling)
        try:
            asked = self._client.subscribe(topic_filter, 0 if options else 1, options)
        except ValueError as error:
            raise SubscriptionRefusedError(topic_filter, FILTER_INVALID, str(error)) from error
        for code in await self._answer(*asked):
            if code.is_failure:
                raise SubscriptionRefusedError(topic_filter, code.value, str(code))

    async def unsubscribe(self, topic_filter: str) -> None:
        """Take a subscription back."""
        await self._answer(*self._client.unsubscribe(topic_filter))

    async def received(self) -> AsyncIterator[Received]:
        """Every message that arrives, until the connection ends with ``ConnectionFailedError``."""
        while True:
            while self._inbox:
                for _ in range(min(len(self._inbox), READ_MOST)):
                    yield self._inbox.popleft()
                await asyncio.sleep(0)
            if self._failure:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()

    def close(self) -> None:
        """Disconnect as far as the system takes it at once, and free the socket."""
        self._serving.stop(politely=True)
        self._fail(_ended())

    def drop(self) -> None:
        """End at once and without DISCONNECT, so that the broker publishes the will."""
        self._serving.stop(politely=False)
        self._fail(_ended())

    def _publish(self, message: Message, batch: _Batch) -> Refusal | None:
        """Hand ``message`` to paho, or refuse what could not be sent."""
        expires = self._speaks_5 and message.expiry_s is not None
        properties = expiring(message.expiry_s or 0) if expires else None
        sent = fitting(message, self.limits)
        if not sent.topic or "\0" in sent.topic:
            return Refusal(message, TOPIC_INVALID, "no topic")
        try:
            if refusal := too_large(message, self.limits):
                return refusal
            info = self._client.publish(sent.topic, sent.payload, sent.qos, sent.retain, properties)
        except ValueError as error:  # a topic with wildcards, or of what is no text
            return Refusal(message, TOPIC_INVALID, str(error))
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._failure or _ended()
        batch.unanswered += 1
        self._publishing[info.mid] = (message, batch)
        return None

    async def _answer(self, sent: MQTTErrorCode, mid: int | None) -> list[ReasonCode]:
        if sent is not MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise self._failure or _ended()
        await self._until(lambda: mid in self._answers)
        return self._answers.pop(mid)

    async def _until(self, done: Callable[[], bool]) -> None:
        """Wait for answers of the broker until ``done``; never longer than the deadline for one."""
        while not done():
            if self._failure:
                raise self._failure
            self._answered.clear()
            if not await came(self._answered, DEADLINE_S):
                lasts = Silence.LASTS if self._limits is None else None
                text = f"no answer within {DEADLINE_S} s"
                raise ConnectionFailedError(text, unanswered=lasts, silent=True)

    def _fail(self, error: ConnectionFailedError) -> None:
        self._failure = self._failure or error
        self._answered.set()
        self._arrived.set()

    def _garbage(self, error: Exception) -> None:
        ended = Silence.ENDED if self._limits is None else None
        self._fail(ConnectionFailedError(f"its answer is not MQTT ({error})", unanswered=ended))

    def _on_connect(self, reason: ReasonCode, properties: Properties | None) -> None:
        self._serving.packets += 1
        if reason.is_failure:
            self._fail(failure(reason, properties))
            return
        self._limits = narrower(self._known, announced(properties if self._speaks_5 else None))
        self._answered.set()

    def _on_disconnect(
        self, reason: ReasonCode, properties: Properties | None, *, by_broker: bool
    ) -> None:
        sent = (size(message) for message, _ in self._publishing.values())
        largest_bytes = max(sent, default=0)
        if by_broker:
            self._fail(failure(reason, properties, largest_bytes=largest_bytes))
        elif reason == "Keep alive timeout":
            self._fail(ConnectionFailedError("it does not answer any more", silent=True))
        elif self._limits is None:
            hung_up = "it hung up instead of answering; if that port is for TLS, set tls = true in "
            self._fail(ConnectionFailedError(f"{hung_up}[mqtt]", unanswered=Silence.ENDED))
        else:
            self._fail(_ended(largest_bytes))

    def _on_publish(self, mid: int, reason: ReasonCode, properties: Properties | None) -> None:
        self._serving.packets += 1
        message, batch = self._publishing.pop(mid)
        batch.unanswered -= 1
        if reason.is_failure:
            batch.refused.append(Refusal(message, reason.value, reason_text(reason, properties)))
        self._answered.set()

    def _on_answer(self, mid: int, reasons: list[ReasonCode]) -> None:
        self._serving.packets += 1
        self._answers[mid] = reasons
        self._answered.set()

    def _on_message(self, message: MQTTMessage) -> None:
        self._serving.packets += 1
        self._inbox.append(Received(message.topic, bytes(message.payload), message.retain))
        self._arrived.set()


def _ended(largest_bytes: int = 0) -> ConnectionFailedError:
    return ConnectionFailedError("the connection ended", largest_bytes=largest_bytes)
