"""One MQTT session from CONNECT to DISCONNECT, through aiomqtt. Never reconnects."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTT_ERR_SUCCESS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge.broker.expiry import expiring
from bridge.broker.tls import tls_context
from bridge.config import MqttSettings
from bridge.contract.wire import Message

KEEPALIVE_S = 30
SESSION_EXPIRY_S = 30
WILL_DELAY_S = 5
"""Shorter than the session: a quick reconnect then takes the will back (MQTT 5, 3.1.2.5)."""
DEADLINE_S = 10
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Small packets at once: else the second of two waits for the delayed acknowledgement, 40 ms."""
SEND_RETAINED_NEVER = 2
"""Retain handling for command topics: a stored command is not wanted (MQTT 5, 3.8.3.1)."""

_UNHEARD = logging.getLogger("mqtt.unheard")
_UNHEARD.disabled = True
"""What paho and aiomqtt log they raise too; who catches it writes the one line."""

MQTT5 = aiomqtt.ProtocolVersion.V5
MQTT311 = aiomqtt.ProtocolVersion.V311


@dataclass(frozen=True, slots=True)
class Received:
    """One message from the broker."""

    topic: str
    payload: bytes
    retain: bool
    """It was stored by the broker, so it may be old."""


class Connection(aiomqtt.Client):
    """An aiomqtt client that pipelines publishes and sees how the broker answers each of them.

    aiomqtt 2 waits for each PUBACK in turn and drops its reason code; a broker with access rules
    says "not authorized" there and nowhere else (MQTT 5, 3.4.2.1).
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        protocol: aiomqtt.ProtocolVersion,
        will: Message | None = None,
    ) -> None:
        self._speaks_5 = protocol is MQTT5
        self._acks: dict[int, asyncio.Future[ReasonCode | None]] = {}
        self._tried: asyncio.Future[None]
        super().__init__(
            hostname=settings.socket_path or settings.host,
            port=settings.effective_port,
            transport="unix" if settings.socket_path else "tcp",
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            identifier=client_id,
            protocol=protocol,
            clean_session=None if self._speaks_5 else True,
            clean_start=True if self._speaks_5 else MQTT_CLEAN_START_FIRST_ONLY,
            keepalive=KEEPALIVE_S,
            timeout=DEADLINE_S,
            properties=self._connect_properties(),
            tls_context=tls_context(settings) if settings.tls else None,
            will=self._will(will) if will else None,
            logger=_UNHEARD,
            socket_options=() if settings.socket_path else NO_DELAY,
        )

    async def __aenter__(self) -> Self:
        """Connect; close what was begun when that fails or is cancelled, unlike aiomqtt 2.

        Raises:
            aiomqtt.MqttError: The broker refuses, is away, or is silent for ``DEADLINE_S``.
        """
        self._disconnected.add_done_callback(_seen)
        self._tried = self._loop.create_future()
        try:
            entered = await super().__aenter__()
        except BaseException:
            self._connected = self._loop.create_future()  # aiomqtt stumbles over a cancelled one
            self._tried.add_done_callback(lambda _: self._client.disconnect())
            raise
        self._disconnected.add_done_callback(_seen)  # aiomqtt makes a new one at times
        return entered

    def _client_connect(self) -> None:
        """Runs in a thread, beside which paho must be left alone, also after a cancellation."""
        try:
            super()._client_connect()
        finally:
            self._loop.call_soon_threadsafe(self._tried.set_result, None)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        """At once: with aiomqtt's way round by the loop the socket may be closed by then."""
        if self._tried.done():
            self._loop.add_writer(sock.fileno(), self._client.loop_write)
        else:
            super()._on_socket_register_write(client, userdata, sock)

    async def send(self, messages: Sequence[Message]) -> list[tuple[Message, ReasonCode]]:
        """Publish ``messages`` in their order and wait until the broker has all of them.

        Returns:
            Those that the broker refused, with its reason.

        Raises:
            aiomqtt.MqttError: The connection ended or the broker was silent for ``DEADLINE_S``.
        """
        waiting = [(message, self._start(message)) for message in messages]
        answers = [ack for _, ack in waiting]
        try:
            # not wait_for: in Python 3.11 it loses a cancellation that meets the last answer
            async with asyncio.timeout(DEADLINE_S):
                await self._or_disconnected(asyncio.gather(*answers, return_exceptions=True))
        except TimeoutError:
            raise aiomqtt.MqttError(f"no answer within {DEADLINE_S} s") from None
        finally:
            for ack in answers:
                ack.cancel()
            self._acks.clear()
        return [
            (message, reason)
            for message, ack in waiting
            if (reason := ack.result()) is not None and reason.is_failure
        ]

    async def follow(self, topic_filter: str, *, commands: bool) -> None:
        """Subscribe at QoS 1; ``commands`` asks the broker to keep stored messages to itself.

        Raises:
            PermissionError: The broker refuses the subscription.
            aiomqtt.MqttError: The connection ended.
        """
        if self._speaks_5:
            handling = SEND_RETAINED_NEVER if commands else 0
            options = SubscribeOptions(qos=1, retainHandling=handling)
            asking = asyncio.ensure_future(self.subscribe(topic_filter, options=options))
        else:
            asking = asyncio.ensure_future(self.subscribe(topic_filter, qos=1))
        try:
            await self._or_disconnected(asking)
        finally:
            asking.cancel()
        for code in asking.result():
            if code.is_failure if isinstance(code, ReasonCode) else code >= 0x80:  # noqa: PLR2004 - SUBACK failure
                raise PermissionError(topic_filter)

    async def received(self) -> AsyncIterator[Received]:
        """Every message that arrives, until the connection ends with ``aiomqtt.MqttError``.

        What has arrived together is yielded without giving way to other tasks in between, so that
        a follower sees all stored messages of a connect before anybody acts on the first.
        """
        async for message in self.messages:
            yield _received(message)
            while not self._queue.empty():
                yield _received(self._queue.get_nowait())

    def _start(self, message: Message) -> asyncio.Future[ReasonCode | None]:
        ack: asyncio.Future[ReasonCode | None] = self._loop.create_future()
        info = self._client.publish(
            message.topic, message.payload, message.qos, message.retain, self._expiry(message)
        )
        if info.rc != MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        if message.qos == 0 or info.is_published():
            ack.set_result(None)
        else:
            self._acks[info.mid] = ack
        return ack

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        ack = self._acks.pop(mid, None)
        if ack is None:
            super()._on_publish(client, userdata, mid, reason_code, properties)
        elif not ack.done():
            ack.set_result(reason_code)

    async def _or_disconnected(self, answers: asyncio.Future[Any]) -> None:
        await asyncio.wait((answers, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        if not answers.done():
            raise aiomqtt.MqttError("disconnected") from self._disconnected.exception()

    def _connect_properties(self) -> Properties | None:
        if not self._speaks_5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        return properties

    def _will(self, will: Message) -> aiomqtt.Will:
        properties = None
        if self._speaks_5:
            properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
            properties.WillDelayInterval = WILL_DELAY_S
        return aiomqtt.Will(will.topic, will.payload, will.qos, will.retain, properties)

    def _expiry(self, message: Message) -> Properties | None:
        if not self._speaks_5 or message.expiry_s is None:
            return None
        return expiring(message.expiry_s)


def _seen(disconnected: asyncio.Future[None]) -> None:
    """Else asyncio logs the end of a connection that something else ended first."""
    if not disconnected.cancelled():
        disconnected.exception()


def _received(message: aiomqtt.Message) -> Received:
    payload = message.payload if isinstance(message.payload, bytes) else b""
    return Received(str(message.topic), payload, bool(message.retain))
